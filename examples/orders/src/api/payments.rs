//! Payments of an order, by card or by account. Numbers must pass their check digits; security codes are looked at, never kept.

use hyper::StatusCode;
use serde::{Deserialize, Serialize};

use super::{amount, cents, customer, fits, lock};
use crate::{
    answer::Answer,
    checks::{is_card, is_iban},
    failure::Failure,
    fresh,
    request::Request,
    store::{Access, Row, Store, Transaction},
};

#[derive(Deserialize)]
struct NewPayment {
    amount: f64,
    holder: String,
    card_number: Option<String>,
    cvv: Option<String>,
    iban: Option<String>,
}

#[derive(Serialize)]
struct Payment {
    id: String,
    method: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    card_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iban: Option<String>,
    holder: String,
    amount: f64,
    created_at: String,
}

impl Payment {
    fn new(id: String, method: String, account: String, holder: String, cents: i64, created_at: String) -> Self {
        let (card_number, iban) = if method == CARD { (Some(account), None) } else { (None, Some(account)) };
        Payment { id, method, card_number, iban, holder, amount: amount(cents), created_at }
    }
}

pub(super) async fn pay(store: &Store, request: &Request, order: &str) -> Result<Answer, Failure> {
    let new: NewPayment = request.json()?;
    let (method, account) = match (new.card_number, new.iban) {
        (Some(card), None) if !is_card(&card) => return Err(Failure::Invalid("card_number")),
        (None, Some(iban)) if !is_iban(&iban) => return Err(Failure::Invalid("iban")),
        (Some(card), None) => (CARD, card),
        (None, Some(iban)) => (IBAN, iban),
        _ => return Err(Failure::Invalid("payment")),
    };
    if new.cvv.is_some_and(|cvv| cvv.len() > 4 || !cvv.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(Failure::Invalid("cvv"));
    }
    fits("holder", &new.holder)?;
    let cents = cents("amount", new.amount)?;

    let mut transaction = store.begin(Access::Write).await?;
    let customer_id = own(&mut transaction, request, order).await?;
    lock(&mut transaction, &customer_id).await?;
    let count = transaction.row("select count(*) from payment where order_id = ?", &[order.into()]).await?;
    let position = count.map(|row| row.integer(0)).transpose()?.unwrap_or_default() + 1;
    let payment = Payment::new(fresh::id("pay_", 14), method.to_owned(), account.clone(), new.holder, cents, fresh::now());
    let sql = "insert into payment (id, order_id, position, method, account, holder, amount_cents, created_at) values (?, ?, ?, ?, ?, ?, ?, ?)";
    let values = [
        (&payment.id).into(),
        order.into(),
        position.into(),
        method.into(),
        (&account).into(),
        (&payment.holder).into(),
        cents.into(),
        (&payment.created_at).into(),
    ];
    transaction.execute(sql, &values).await?;
    transaction.commit().await?;
    Ok(Answer::json(StatusCode::CREATED, &payment))
}

#[derive(Serialize)]
struct Payments {
    payments: Vec<Payment>,
}

pub(super) async fn list(store: &Store, request: &Request, order: &str) -> Result<Answer, Failure> {
    let mut transaction = store.begin(Access::Read).await?;
    own(&mut transaction, request, order).await?;
    let sql = "select id, method, account, holder, amount_cents, created_at from payment where order_id = ? order by position";
    let rows = transaction.rows(sql, &[order.into()]).await?;
    transaction.commit().await?;
    let payment = |row: &Row| Ok(Payment::new(row.string(0)?, row.string(1)?, row.string(2)?, row.string(3)?, row.integer(4)?, row.string(5)?));
    let payments = rows.iter().map(payment).collect::<Result<_, sqlx::Error>>()?;
    Ok(Answer::json(StatusCode::OK, &Payments { payments }))
}

/// The customer of the token, if the order is theirs.
async fn own(transaction: &mut Transaction, request: &Request, order: &str) -> Result<String, Failure> {
    let customer_id = customer(transaction, request.token()).await?;
    let row = transaction.row("select 1 from orders where id = ? and customer_id = ?", &[order.into(), (&customer_id).into()]).await?;
    row.map(|_| customer_id).ok_or(Failure::NotFound)
}

const CARD: &str = "card";
const IBAN: &str = "iban";
