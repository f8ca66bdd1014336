//! Orders: placed under the client's own reference, listed page by page, streamed as events and as a table.

use hyper::{StatusCode, header};
use serde::{Deserialize, Serialize};

use super::{amount, cents, customer, fits, lock};
use crate::{
    answer::Answer,
    failure::Failure,
    fresh,
    request::Request,
    store::{Access, Row, Store, Transaction},
};

#[derive(Deserialize)]
struct NewOrder {
    reference: String,
    currency: String,
    items: Vec<Item>,
    note: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct Item {
    sku: String,
    quantity: i64,
    unit_price: f64,
}

#[derive(Serialize)]
struct Order {
    id: String,
    reference: String,
    currency: String,
    total: f64,
    note: Option<String>,
    placed_from: Option<String>,
    created_at: String,
    items: Vec<Item>,
}

pub(super) async fn place(store: &Store, request: &Request) -> Result<Answer, Failure> {
    let NewOrder { reference, currency, items, note } = request.json()?;
    fits("reference", &reference)?;
    if currency.len() != 3 {
        return Err(Failure::Invalid("currency"));
    }
    let mut prices = Vec::with_capacity(items.len());
    for item in &items {
        fits("sku", &item.sku)?;
        if !(1..=1000).contains(&item.quantity) {
            return Err(Failure::Invalid("quantity"));
        }
        prices.push(cents("unit_price", item.unit_price)?);
    }
    let total: i64 = items.iter().zip(&prices).map(|(item, price)| item.quantity * price).sum();
    if items.is_empty() || items.len() > MAX_ITEMS || total > MAX_TOTAL {
        return Err(Failure::Invalid("items"));
    }
    let placed_from = request.header("x-forwarded-for").map(str::to_owned);

    let mut transaction = store.begin(Access::Write).await?;
    let customer_id = customer(&mut transaction, request.token()).await?;
    lock(&mut transaction, &customer_id).await?;
    if transaction.row("select 1 from orders where customer_id = ? and reference = ?", &[(&customer_id).into(), (&reference).into()]).await?.is_some() {
        return Err(Failure::Conflict("reference is in use"));
    }
    let count = transaction.row("select count(*) from orders where customer_id = ?", &[(&customer_id).into()]).await?;
    let position = count.map(|row| row.integer(0)).transpose()?.unwrap_or_default() + 1;
    let order = Order { id: fresh::uuid(), reference, currency, total: amount(total), note, placed_from, created_at: fresh::now(), items };
    let sql =
        "insert into orders (id, customer_id, position, reference, currency, total_cents, placed_from, note, created_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let values = [
        (&order.id).into(),
        (&customer_id).into(),
        position.into(),
        (&order.reference).into(),
        (&order.currency).into(),
        total.into(),
        (&order.placed_from).into(),
        (&order.note).into(),
        (&order.created_at).into(),
    ];
    transaction.execute(sql, &values).await?;
    let sql = "insert into order_item (order_id, position, sku, quantity, unit_price_cents) values (?, ?, ?, ?, ?)";
    for (position, (item, price)) in (1i64..).zip(order.items.iter().zip(prices)) {
        transaction.execute(sql, &[(&order.id).into(), position.into(), (&item.sku).into(), item.quantity.into(), price.into()]).await?;
    }
    transaction.commit().await?;
    Ok(Answer::json(StatusCode::CREATED, &order).with(header::LOCATION, &format!("/orders/{}", order.id)))
}

pub(super) async fn show(store: &Store, request: &Request, id: &str) -> Result<Answer, Failure> {
    let mut transaction = store.begin(Access::Read).await?;
    let customer_id = customer(&mut transaction, request.token()).await?;
    let sql = "select reference, currency, total_cents, note, placed_from, created_at from orders where id = ? and customer_id = ?";
    let row = transaction.row(sql, &[id.into(), (&customer_id).into()]).await?.ok_or(Failure::NotFound)?;
    let items = transaction.rows("select sku, quantity, unit_price_cents from order_item where order_id = ? order by position", &[id.into()]).await?;
    transaction.commit().await?;
    let item = |row: &Row| Ok(Item { sku: row.string(0)?, quantity: row.integer(1)?, unit_price: amount(row.integer(2)?) });
    let order = Order {
        id: id.to_owned(),
        reference: row.string(0)?,
        currency: row.string(1)?,
        total: amount(row.integer(2)?),
        note: row.text(3)?,
        placed_from: row.text(4)?,
        created_at: row.string(5)?,
        items: items.iter().map(item).collect::<Result<_, sqlx::Error>>()?,
    };
    Ok(Answer::json(StatusCode::OK, &order))
}

#[derive(Serialize)]
struct Page {
    orders: Vec<Summary>,
    next: Option<String>,
}

#[derive(Serialize)]
struct Summary {
    id: String,
    reference: String,
    currency: String,
    total: f64,
    created_at: String,
}

/// Newest last. `next` is the cursor that `after` takes; it is absent on the last page.
pub(super) async fn list(store: &Store, request: &Request) -> Result<Answer, Failure> {
    let limit: i64 = request.query("limit").map_or(Ok(20), |limit| limit.parse().map_err(|_| Failure::Invalid("limit")))?;
    if !(1..=100).contains(&limit) {
        return Err(Failure::Invalid("limit"));
    }
    let mut transaction = store.begin(Access::Read).await?;
    let customer_id = customer(&mut transaction, request.token()).await?;
    let after = match request.query("after") {
        None => 0,
        Some(cursor) => {
            let id = cursor_order(cursor).ok_or(Failure::Invalid("after"))?;
            let row = transaction.row("select position from orders where id = ? and customer_id = ?", &[(&id).into(), (&customer_id).into()]).await?;
            row.ok_or(Failure::Invalid("after"))?.integer(0)?
        }
    };
    let sql = "select id, reference, currency, total_cents, created_at from orders where customer_id = ? and position > ? order by position limit ?";
    let rows = transaction.rows(sql, &[(&customer_id).into(), after.into(), (limit + 1).into()]).await?;
    transaction.commit().await?;
    let summary = |row: &Row| {
        Ok(Summary { id: row.string(0)?, reference: row.string(1)?, currency: row.string(2)?, total: amount(row.integer(3)?), created_at: row.string(4)? })
    };
    let mut orders = rows.iter().map(summary).collect::<Result<Vec<_>, sqlx::Error>>()?;
    let more = orders.len() as i64 > limit;
    orders.truncate(limit as usize);
    let next = orders.last().filter(|_| more).map(|order| cursor(&order.id));
    Ok(Answer::json(StatusCode::OK, &Page { orders, next }))
}

#[derive(Serialize)]
struct Event<'a> {
    event: &'static str,
    reference: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    amount: f64,
    at: String,
}

/// What happened to an order, one JSON document a line, streamed.
pub(super) async fn events(store: &Store, request: &Request, id: &str) -> Result<Answer, Failure> {
    let mut transaction = store.begin(Access::Read).await?;
    let customer_id = customer(&mut transaction, request.token()).await?;
    let row =
        transaction.row("select reference, total_cents, created_at from orders where id = ? and customer_id = ?", &[id.into(), (&customer_id).into()]).await?;
    let row = row.ok_or(Failure::NotFound)?;
    let payments = transaction.rows("select method, amount_cents, created_at from payment where order_id = ? order by position", &[id.into()]).await?;
    transaction.commit().await?;
    let reference = row.string(0)?;
    let mut events = vec![Event { event: "placed", reference: &reference, method: None, amount: amount(row.integer(1)?), at: row.string(2)? }];
    for row in &payments {
        events.push(Event { event: "paid", reference: &reference, method: row.text(0)?, amount: amount(row.integer(1)?), at: row.string(2)? });
    }
    Ok(Answer::lines("application/x-ndjson", events.iter().map(|event| serde_json::to_string(event).expect("plain structs serialize"))))
}

/// All orders of the token's customer as a table, streamed.
pub(super) async fn export(store: &Store, token: Option<&str>) -> Result<Answer, Failure> {
    let mut transaction = store.begin(Access::Read).await?;
    let customer_id = customer(&mut transaction, token).await?;
    let email = email(&mut transaction, &customer_id).await?;
    let rows =
        transaction.rows("select reference, currency, total_cents from orders where customer_id = ? order by position", &[(&customer_id).into()]).await?;
    transaction.commit().await?;
    let line = |row: &Row| Ok([field(&row.string(0)?), field(&row.string(1)?), format!("{:.2}", amount(row.integer(2)?)), field(&email)].join(","));
    let lines = rows.iter().map(line).collect::<Result<Vec<_>, sqlx::Error>>()?;
    let header = "reference,currency,total,customer".to_owned();
    Ok(Answer::lines("text/csv", [header].into_iter().chain(lines)).with(header::CONTENT_DISPOSITION, "attachment; filename=\"orders.csv\""))
}

async fn email(transaction: &mut Transaction, customer: &str) -> Result<String, Failure> {
    let row = transaction.row("select email from customer where id = ?", &[customer.into()]).await?;
    Ok(row.ok_or(Failure::NotFound)?.string(0)?)
}

/// RFC 4180: quotes only where they are needed.
fn field(text: &str) -> String {
    if text.contains([',', '"', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// A cursor names the last order of its page; it is opaque so that nobody builds one.
fn cursor(order: &str) -> String {
    fresh::hex(order.replace('-', "").as_bytes()).chars().rev().collect()
}

fn cursor_order(cursor: &str) -> Option<String> {
    let hex: Vec<u8> = cursor.bytes().rev().collect();
    let nibble = |byte: u8| char::from(byte).to_digit(16);
    let digits: Vec<u8> = hex.chunks(2).map(|pair| Some((nibble(*pair.first()?)? << 4 | nibble(*pair.get(1)?)?) as u8)).collect::<Option<_>>()?;
    let compact = String::from_utf8(digits).ok().filter(|text| text.len() == 32 && text.is_ascii())?;
    Some(format!("{}-{}-{}-{}-{}", &compact[..8], &compact[8..12], &compact[12..16], &compact[16..20], &compact[20..]))
}

const MAX_ITEMS: usize = 50;
const MAX_TOTAL: i64 = 1_000_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_order() {
        let order = fresh::uuid();
        assert_eq!(cursor_order(&cursor(&order)), Some(order.clone()));
        assert!(!cursor(&order).contains(&order[..8]));
        for broken in ["", "0", "zz", "00ff", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"] {
            assert_eq!(cursor_order(broken), None, "{broken}");
        }
    }

    #[test]
    fn fields_are_quoted_where_needed() {
        for (text, expected) in [("A-1", "A-1"), ("a,b", "\"a,b\""), ("say \"x\"", "\"say \"\"x\"\"\"")] {
            assert_eq!(field(text), expected);
        }
    }
}
