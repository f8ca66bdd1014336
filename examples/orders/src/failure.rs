//! Why a request could not be answered as asked. Each failure has one status and one JSON body.

use hyper::StatusCode;

/// A request's failure. The texts name fields, never values.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The request is not what the endpoint reads.
    #[error("{0}")]
    Malformed(&'static str),
    /// No valid token, or a wrong password.
    #[error("{0}")]
    Unauthorized(&'static str),
    /// No such resource, or not this customer's.
    #[error("no such resource")]
    NotFound,
    /// The path exists, the method does not.
    #[error("method not allowed")]
    MethodNotAllowed,
    /// Something is there already.
    #[error("{0}")]
    Conflict(&'static str),
    /// A body over the limit.
    #[error("body too large")]
    TooLarge,
    /// A body in a coding that is not spoken here.
    #[error("unsupported content encoding")]
    UnsupportedCoding,
    /// A field whose value is refused.
    #[error("invalid {0}")]
    Invalid(&'static str),
    /// The schema is being changed for longer than anyone should wait.
    #[error("the schema is being migrated")]
    Migrating,
    /// The database could not do it; the request is answered 500, or tried again if the database says that this helps.
    #[error("database failure")]
    Database(#[source] sqlx::Error),
}

impl Failure {
    /// The status that answers it.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Failure::Malformed(_) => StatusCode::BAD_REQUEST,
            Failure::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Failure::NotFound => StatusCode::NOT_FOUND,
            Failure::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Failure::Conflict(_) => StatusCode::CONFLICT,
            Failure::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Failure::UnsupportedCoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Failure::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Failure::Migrating => StatusCode::SERVICE_UNAVAILABLE,
            Failure::Database(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The stable word that a client may match on.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Failure::Malformed(_) => "malformed",
            Failure::Unauthorized(_) => "unauthorized",
            Failure::NotFound => "not_found",
            Failure::MethodNotAllowed => "method_not_allowed",
            Failure::Conflict(_) => "conflict",
            Failure::TooLarge => "too_large",
            Failure::UnsupportedCoding => "unsupported_coding",
            Failure::Invalid(_) => "invalid",
            Failure::Migrating => "migrating",
            Failure::Database(_) => "internal",
        }
    }

    /// Whether the transaction lost against another one and would pass if it were tried again.
    pub(crate) fn is_transient(&self) -> bool {
        let Failure::Database(sqlx::Error::Database(error)) = self else { return false };
        // SQLite: busy, busy snapshot, locked. PostgreSQL: serialization failure, deadlock. MariaDB: deadlock and lock wait time-out.
        error.code().is_some_and(|code| matches!(&*code, "5" | "517" | "6" | "40001" | "40P01")) || error.message().contains("Lock wait timeout")
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        let Some(reported) = error.as_database_error() else { return Failure::Database(error) };
        match reported.code().as_deref() {
            // Another request was faster between the look and the insert.
            _ if reported.is_unique_violation() => Failure::Conflict("already there"),
            // Text that is too long for a column, or holds a NUL: only some of the databases mind.
            Some("22001" | "22021") => Failure::Invalid("text"),
            _ => Failure::Database(error),
        }
    }
}
