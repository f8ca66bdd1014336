//! Sign-up, login, and what a customer tells of themselves.

use hyper::{StatusCode, header};
use serde::{Deserialize, Serialize};

use super::{customer, digest, fits, lock};
use crate::{
    answer::Answer,
    checks::is_email,
    failure::Failure,
    fresh,
    request::Request,
    store::{Access, Store},
};

#[derive(Deserialize)]
struct SignUp {
    email: String,
    password: String,
    name: String,
    phone: Option<String>,
    ssn: Option<String>,
    note: Option<String>,
}

#[derive(Serialize)]
struct SignedUp {
    customer_id: String,
    activation_code: String,
}

pub(super) async fn sign_up(store: &Store, request: &Request) -> Result<Answer, Failure> {
    let new: SignUp = request.json()?;
    fits("email", &new.email)?;
    fits("name", &new.name)?;
    fits("password", &new.password)?;
    if !is_email(&new.email) {
        return Err(Failure::Invalid("email"));
    }
    let mut transaction = store.begin(Access::Write).await?;
    if transaction.row("select 1 from customer where email = ?", &[(&new.email).into()]).await?.is_some() {
        return Err(Failure::Conflict("email is registered"));
    }
    let made = SignedUp { customer_id: fresh::id("cus_", 16), activation_code: fresh::activation_code() };
    let password = bcrypt::hash_with_salt(&new.password, HASH_COST, fresh::salt()).map_err(|_| Failure::Invalid("password"))?.to_string();
    let sql = "insert into customer (id, email, name, phone, ssn, note, password, activation_code, revision) values (?, ?, ?, ?, ?, ?, ?, ?, 0)";
    let values = [
        (&made.customer_id).into(),
        (&new.email).into(),
        (&new.name).into(),
        (&new.phone).into(),
        (&new.ssn).into(),
        (&new.note).into(),
        (&password).into(),
        (&made.activation_code).into(),
    ];
    transaction.execute(sql, &values).await?;
    transaction.commit().await?;
    Ok(Answer::json(StatusCode::CREATED, &made))
}

#[derive(Deserialize)]
struct LogIn {
    email: String,
    password: String,
    activation_code: Option<String>,
}

#[derive(Serialize)]
struct LoggedIn {
    token: String,
    token_type: &'static str,
    customer_id: String,
    name: String,
}

pub(super) async fn log_in(store: &Store, request: &Request) -> Result<Answer, Failure> {
    let given: LogIn = request.json()?;
    let mut transaction = store.begin(Access::Write).await?;
    let sql = "select id, name, password, activation_code from customer where email = ?";
    // One answer for every reason: it must not tell which addresses are registered.
    let refused = Failure::Unauthorized("wrong e-mail, password or activation code");
    let Some(row) = transaction.row(sql, &[(&given.email).into()]).await? else { return Err(refused) };
    let (customer_id, name) = (row.string(0)?, row.string(1)?);
    if !bcrypt::verify(&given.password, &row.string(2)?).unwrap_or(false) {
        return Err(refused);
    }
    if let Some(code) = row.text(3)? {
        if given.activation_code.as_ref() != Some(&code) {
            return Err(refused);
        }
        transaction.execute("update customer set activation_code = null where id = ?", &[(&customer_id).into()]).await?;
    }
    let token = fresh::token();
    transaction.execute("insert into session (token_digest, customer_id) values (?, ?)", &[(&digest(&token)).into(), (&customer_id).into()]).await?;
    transaction.commit().await?;
    let cookie = format!("sid={token}; Path=/; HttpOnly; SameSite=Lax");
    Ok(Answer::json(StatusCode::OK, &LoggedIn { token, token_type: "Bearer", customer_id, name }).with(header::SET_COOKIE, &cookie))
}

pub(super) async fn log_out(store: &Store, request: &Request) -> Result<Answer, Failure> {
    let mut transaction = store.begin(Access::Write).await?;
    customer(&mut transaction, request.token()).await?;
    let token = request.token().unwrap_or_default();
    transaction.execute("delete from session where token_digest = ?", &[(&digest(token)).into()]).await?;
    transaction.commit().await?;
    Ok(Answer::empty().with(header::SET_COOKIE, "sid=; Path=/; Max-Age=0"))
}

#[derive(Serialize)]
struct Customer {
    customer_id: String,
    email: String,
    name: String,
    phone: Option<String>,
    ssn: Option<String>,
    note: Option<String>,
}

pub(super) async fn show(store: &Store, request: &Request) -> Result<Answer, Failure> {
    let mut transaction = store.begin(Access::Read).await?;
    let customer_id = customer(&mut transaction, request.token()).await?;
    let row = transaction.row("select email, name, phone, ssn, note from customer where id = ?", &[(&customer_id).into()]).await?.ok_or(Failure::NotFound)?;
    let shown = Customer { customer_id, email: row.string(0)?, name: row.string(1)?, phone: row.text(2)?, ssn: row.text(3)?, note: row.text(4)? };
    transaction.commit().await?;
    Ok(Answer::json(StatusCode::OK, &shown))
}

#[derive(Serialize)]
struct Found {
    customer_id: String,
    name: String,
}

/// Whom an e-mail address belongs to, as one customer may ask about another.
pub(super) async fn find(store: &Store, request: &Request) -> Result<Answer, Failure> {
    let mut transaction = store.begin(Access::Read).await?;
    customer(&mut transaction, request.token()).await?;
    let email = request.query("email").ok_or(Failure::Malformed("email missing"))?;
    let row = transaction.row("select id, name from customer where email = ?", &[email.into()]).await?.ok_or(Failure::NotFound)?;
    let found = Found { customer_id: row.string(0)?, name: row.string(1)? };
    transaction.commit().await?;
    Ok(Answer::json(StatusCode::OK, &found))
}

#[derive(Deserialize)]
struct Change {
    name: Option<String>,
    phone: Option<String>,
    note: Option<String>,
}

pub(super) async fn change(store: &Store, request: &Request) -> Result<Answer, Failure> {
    let change: Change = request.json()?;
    if let Some(name) = &change.name {
        fits("name", name)?;
    }
    let mut transaction = store.begin(Access::Write).await?;
    let customer_id = customer(&mut transaction, request.token()).await?;
    lock(&mut transaction, &customer_id).await?;
    let sql = "update customer set name = coalesce(?, name), phone = coalesce(?, phone), note = coalesce(?, note) where id = ?";
    transaction.execute(sql, &[(&change.name).into(), (&change.phone).into(), (&change.note).into(), (&customer_id).into()]).await?;
    transaction.commit().await?;
    show(store, request).await
}

/// The least that bcrypt has: a demonstration must not wait.
const HASH_COST: u32 = 4;
