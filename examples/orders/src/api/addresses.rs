//! A customer's addresses, at most two. The only place where the two schemas differ, and no answer shows which one it is.

use hyper::StatusCode;
use serde::{Deserialize, Serialize};

use super::{customer, fits, lock};
use crate::{
    answer::Answer,
    failure::Failure,
    fresh,
    request::Request,
    store::{Access, Row, Schema, Store, Transaction},
};

#[derive(Deserialize)]
struct NewAddress {
    label: String,
    street: String,
    city: String,
    postcode: String,
    country: String,
}

#[derive(Clone, Serialize)]
struct Address {
    id: String,
    label: String,
    street: String,
    city: String,
    postcode: String,
    country: String,
}

#[derive(Serialize)]
struct Addresses {
    addresses: Vec<Address>,
}

pub(super) async fn list(store: &Store, request: &Request) -> Result<Answer, Failure> {
    let mut transaction = store.begin(Access::Read).await?;
    let customer_id = customer(&mut transaction, request.token()).await?;
    let addresses = read(&mut transaction, &customer_id).await?.into_iter().map(|(_, address)| address).collect();
    transaction.commit().await?;
    Ok(Answer::json(StatusCode::OK, &Addresses { addresses }))
}

pub(super) async fn show(store: &Store, request: &Request, id: &str) -> Result<Answer, Failure> {
    let mut transaction = store.begin(Access::Read).await?;
    let customer_id = customer(&mut transaction, request.token()).await?;
    let addresses = read(&mut transaction, &customer_id).await?;
    transaction.commit().await?;
    let (_, address) = addresses.into_iter().find(|(_, address)| address.id == id).ok_or(Failure::NotFound)?;
    Ok(Answer::json(StatusCode::OK, &address))
}

pub(super) async fn add(store: &Store, request: &Request) -> Result<Answer, Failure> {
    let NewAddress { label, street, city, postcode, country } = request.json()?;
    for (field, text) in [("label", &label), ("street", &street), ("city", &city), ("postcode", &postcode), ("country", &country)] {
        fits(field, text)?;
    }
    let mut transaction = store.begin(Access::Write).await?;
    let customer_id = customer(&mut transaction, request.token()).await?;
    lock(&mut transaction, &customer_id).await?;
    let present = read(&mut transaction, &customer_id).await?;
    if present.iter().any(|(_, address)| address.label == label) {
        return Err(Failure::Conflict("label is in use"));
    }
    let free = [Place::First, Place::Second].into_iter().find(|place| present.iter().all(|(taken, _)| taken != place));
    let place = free.ok_or(Failure::Conflict("address book is full"))?;
    let address = Address { id: fresh::id("adr-", 12), label, street, city, postcode, country };
    write(&mut transaction, &customer_id, place, &address).await?;
    transaction.commit().await?;
    Ok(Answer::json(StatusCode::CREATED, &address))
}

pub(super) async fn remove(store: &Store, request: &Request, id: &str) -> Result<Answer, Failure> {
    let mut transaction = store.begin(Access::Write).await?;
    let customer_id = customer(&mut transaction, request.token()).await?;
    lock(&mut transaction, &customer_id).await?;
    let addresses = read(&mut transaction, &customer_id).await?;
    let (place, _) = addresses.into_iter().find(|(_, address)| address.id == id).ok_or(Failure::NotFound)?;
    erase(&mut transaction, &customer_id, place).await?;
    transaction.commit().await?;
    Ok(Answer::empty())
}

/// Where an address stands: the columns that hold it in v1, its position in v2.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    First,
    Second,
}

impl Place {
    fn position(self) -> i64 {
        match self {
            Place::First => 1,
            Place::Second => 2,
        }
    }
}

/// A customer's addresses in order.
async fn read(transaction: &mut Transaction, customer: &str) -> Result<Vec<(Place, Address)>, Failure> {
    match transaction.schema {
        Schema::V1 => {
            let sql = "select address_1_id, address_1_label, address_1_street, address_1_city, address_1_postcode, address_1_country,
                address_2_id, address_2_label, address_2_street, address_2_city, address_2_postcode, address_2_country from customer where id = ?";
            let row = transaction.row(sql, &[customer.into()]).await?.ok_or(Failure::NotFound)?;
            let mut addresses = Vec::new();
            for (place, column) in [(Place::First, 0), (Place::Second, 6)] {
                if row.text(column)?.is_some() {
                    addresses.push((place, address(&row, column)?));
                }
            }
            Ok(addresses)
        }
        Schema::V2 => {
            let sql = "select id, label, street, city, postcode, country, position from address where customer_id = ? order by position";
            let placed = |row: &Row| Ok((if row.integer(6)? == 1 { Place::First } else { Place::Second }, address(row, 0)?));
            let rows = transaction.rows(sql, &[customer.into()]).await?;
            Ok(rows.iter().map(placed).collect::<Result<_, sqlx::Error>>()?)
        }
    }
}

/// Six columns from `column` on.
fn address(row: &Row, column: usize) -> Result<Address, sqlx::Error> {
    Ok(Address {
        id: row.string(column)?,
        label: row.string(column + 1)?,
        street: row.string(column + 2)?,
        city: row.string(column + 3)?,
        postcode: row.string(column + 4)?,
        country: row.string(column + 5)?,
    })
}

async fn write(transaction: &mut Transaction, customer: &str, place: Place, address: &Address) -> Result<(), Failure> {
    let Address { id, label, street, city, postcode, country } = address;
    let values = [id.into(), label.into(), street.into(), city.into(), postcode.into(), country.into(), customer.into(), place.position().into()];
    let (sql, used) = match (transaction.schema, place) {
        (Schema::V1, Place::First) => (SET_FIRST, 7),
        (Schema::V1, Place::Second) => (SET_SECOND, 7),
        (Schema::V2, _) => (INSERT, 8),
    };
    transaction.execute(sql, &values[..used]).await?;
    Ok(())
}

async fn erase(transaction: &mut Transaction, customer: &str, place: Place) -> Result<(), Failure> {
    match (transaction.schema, place) {
        (Schema::V1, Place::First) => transaction.execute(CLEAR_FIRST, &[customer.into()]).await?,
        (Schema::V1, Place::Second) => transaction.execute(CLEAR_SECOND, &[customer.into()]).await?,
        (Schema::V2, _) => {
            transaction.execute("delete from address where customer_id = ? and position = ?", &[customer.into(), place.position().into()]).await?
        }
    };
    Ok(())
}

const SET_FIRST: &str = "update customer set address_1_id = ?, address_1_label = ?, address_1_street = ?, address_1_city = ?,
    address_1_postcode = ?, address_1_country = ? where id = ?";
const SET_SECOND: &str = "update customer set address_2_id = ?, address_2_label = ?, address_2_street = ?, address_2_city = ?,
    address_2_postcode = ?, address_2_country = ? where id = ?";
const CLEAR_FIRST: &str = "update customer set address_1_id = null, address_1_label = null, address_1_street = null, address_1_city = null,
    address_1_postcode = null, address_1_country = null where id = ?";
const CLEAR_SECOND: &str = "update customer set address_2_id = null, address_2_label = null, address_2_street = null, address_2_city = null,
    address_2_postcode = null, address_2_country = null where id = ?";
const INSERT: &str = "insert into address (id, label, street, city, postcode, country, customer_id, position) values (?, ?, ?, ?, ?, ?, ?, ?)";
