//! From a request to an answer: the routes, and who may use them.
//!
//! Each handler runs in one transaction and touches the rows of one customer only, so that what it answers does not depend on
//! what others do at the same time.

mod account;
mod addresses;
mod keys;
mod orders;
mod payments;

use hyper::{Method, StatusCode, header};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{
    answer::Answer,
    failure::Failure,
    fresh,
    request::Request,
    store::{Store, Transaction},
};

/// Answers a request, or says why not.
pub(crate) async fn handle(store: &Store, request: &Request) -> Result<Answer, Failure> {
    let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
    // The server leaves the body of an answer to HEAD away.
    let method = if request.method == Method::HEAD { &Method::GET } else { &request.method };
    match (path.as_slice(), method.as_str()) {
        (["signup"], "POST") => account::sign_up(store, request).await,
        (["login"], "POST") => account::log_in(store, request).await,
        (["logout"], "POST") => account::log_out(store, request).await,
        (["customers"], "GET") => account::find(store, request).await,
        (["me"], "GET") => account::show(store, request).await,
        (["me"], "PUT") => account::change(store, request).await,
        (["addresses"], "GET") => addresses::list(store, request).await,
        (["addresses"], "POST") => addresses::add(store, request).await,
        (["addresses", id], "GET") => addresses::show(store, request, id).await,
        (["addresses", id], "DELETE") => addresses::remove(store, request, id).await,
        (["orders"], "GET") => orders::list(store, request).await,
        (["orders"], "POST") => orders::place(store, request).await,
        (["orders", id], "GET") => orders::show(store, request, id).await,
        (["orders", id, "events"], "GET") => orders::events(store, request, id).await,
        (["orders", id, "payments"], "GET") => payments::list(store, request, id).await,
        (["orders", id, "payments"], "POST") => payments::pay(store, request, id).await,
        (["export"], "GET") => orders::export(store, request.query("token").or(request.token())).await,
        (["downloads", token, "orders.csv"], "GET") => orders::export(store, Some(token)).await,
        (["api-keys"], "GET") => keys::list(store, request).await,
        (["api-keys"], "POST") => keys::add(store, request).await,
        (["products"], "GET") => Ok(Answer::json(StatusCode::OK, &PRODUCTS).with(header::CACHE_CONTROL, "max-age=3600")),
        (["health"], "GET") => Ok(Answer::json(StatusCode::OK, &Health { status: "ok" })),
        ([".well-known", "reenact-sandbox"], "GET") => Ok(Answer::json(StatusCode::OK, &Sandbox { sandbox: true, service: "orders" })),
        (
            ["signup" | "login" | "logout" | "customers" | "me" | "addresses" | "orders" | "export" | "api-keys" | "products" | "health"]
            | ["addresses" | "orders", _]
            | ["orders", _, "events" | "payments"],
            _,
        ) => Err(Failure::MethodNotAllowed),
        _ => Err(Failure::NotFound),
    }
}

/// The customer whose session this is.
async fn customer(transaction: &mut Transaction, token: Option<&str>) -> Result<String, Failure> {
    let token = token.ok_or(Failure::Unauthorized("token missing"))?;
    let row = transaction.row("select customer_id from session where token_digest = ?", &[(&digest(token)).into()]).await?;
    Ok(row.ok_or(Failure::Unauthorized("token unknown"))?.string(0)?)
}

/// Keeps a customer's other writes out until the transaction ends.
async fn lock(transaction: &mut Transaction, customer: &str) -> Result<(), Failure> {
    transaction.execute("update customer set revision = revision + 1 where id = ?", &[customer.into()]).await?;
    Ok(())
}

/// SHA-256 of a token: whoever reads the table cannot use it.
fn digest(token: &str) -> String {
    fresh::hex(&Sha256::digest(token))
}

/// Refuses text that a column could not hold.
fn fits(field: &'static str, text: &str) -> Result<(), Failure> {
    if text.is_empty() || text.len() > MAX_TEXT { Err(Failure::Invalid(field)) } else { Ok(()) }
}

/// Cents from an amount as JSON has it. Two decimals survive the way through a double up to many billions.
fn cents(field: &'static str, amount: f64) -> Result<i64, Failure> {
    let cents = (amount * 100.0).round();
    if (0.0..1e12).contains(&cents) && (cents / 100.0 - amount).abs() < 1e-6 { Ok(cents as i64) } else { Err(Failure::Invalid(field)) }
}

/// An amount as JSON has it: the shortest digits that name the cents.
fn amount(cents: i64) -> f64 {
    cents as f64 / 100.0
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

#[derive(Serialize)]
struct Sandbox {
    sandbox: bool,
    service: &'static str,
}

#[derive(Serialize)]
struct Product {
    sku: &'static str,
    name: &'static str,
    unit_price: f64,
}

const PRODUCTS: [Product; 6] = [
    Product { sku: "TEA-GREEN-100", name: "Green tea, 100 g", unit_price: 7.95 },
    Product { sku: "TEA-BLACK-250", name: "Black tea, 250 g", unit_price: 11.49 },
    Product { sku: "CUP-STONE", name: "Stoneware cup", unit_price: 18.0 },
    Product { sku: "POT-IRON", name: "Cast iron pot", unit_price: 64.9 },
    Product { sku: "FILTER-PAPER", name: "Paper filters, 64", unit_price: 3.25 },
    Product { sku: "TIMER-SAND", name: "Sand timer, 3 minutes", unit_price: 9.99 },
];

const MAX_TEXT: usize = 250;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_keep_their_cents() {
        for (text, expected) in
            [(19.99, Some(1999)), (0.0, Some(0)), (0.29, Some(29)), (1.005, None), (-1.0, None), (f64::NAN, None), (8_999_999.99, Some(899_999_999))]
        {
            assert_eq!(cents("amount", text).ok(), expected, "{text}");
        }
        assert_eq!(amount(1999).to_string(), "19.99");
    }
}
