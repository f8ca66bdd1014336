//! Secrets of other services that a customer leaves here, so that orders reach their own tools.

use hyper::StatusCode;
use serde::{Deserialize, Serialize};

use super::{customer, fits, lock};
use crate::{
    answer::Answer,
    failure::Failure,
    fresh,
    request::Request,
    store::{Access, Store},
};

#[derive(Deserialize)]
struct NewKey {
    provider: String,
    label: String,
    secret: String,
}

#[derive(Serialize)]
struct ApiKey {
    id: String,
    provider: String,
    label: String,
    secret: String,
}

pub(super) async fn add(store: &Store, request: &Request) -> Result<Answer, Failure> {
    let NewKey { provider, label, secret } = request.json()?;
    fits("provider", &provider)?;
    fits("label", &label)?;
    if secret.is_empty() {
        return Err(Failure::Invalid("secret"));
    }
    let mut transaction = store.begin(Access::Write).await?;
    let customer_id = customer(&mut transaction, request.token()).await?;
    lock(&mut transaction, &customer_id).await?;
    let count = transaction.row("select count(*) from api_key where customer_id = ?", &[(&customer_id).into()]).await?;
    let position = count.map(|row| row.integer(0)).transpose()?.unwrap_or_default() + 1;
    let key = ApiKey { id: fresh::id("key_", 12), provider, label, secret };
    let sql = "insert into api_key (id, customer_id, position, provider, label, secret) values (?, ?, ?, ?, ?, ?)";
    let values = [(&key.id).into(), (&customer_id).into(), position.into(), (&key.provider).into(), (&key.label).into(), (&key.secret).into()];
    transaction.execute(sql, &values).await?;
    transaction.commit().await?;
    Ok(Answer::json(StatusCode::CREATED, &key))
}

#[derive(Serialize)]
struct ApiKeys {
    api_keys: Vec<ApiKey>,
}

pub(super) async fn list(store: &Store, request: &Request) -> Result<Answer, Failure> {
    let mut transaction = store.begin(Access::Read).await?;
    let customer_id = customer(&mut transaction, request.token()).await?;
    let rows = transaction.rows("select id, provider, label, secret from api_key where customer_id = ? order by position", &[(&customer_id).into()]).await?;
    transaction.commit().await?;
    let key = |row: &crate::store::Row| Ok(ApiKey { id: row.string(0)?, provider: row.string(1)?, label: row.string(2)?, secret: row.string(3)? });
    let api_keys = rows.iter().map(key).collect::<Result<_, sqlx::Error>>()?;
    Ok(Answer::json(StatusCode::OK, &ApiKeys { api_keys }))
}
