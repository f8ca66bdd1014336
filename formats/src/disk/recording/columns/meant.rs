//! Which rows of a record batch a condition means.
//!
//! In: the columns that decide. Out: yes or no for each row. What never happens here: a column is read that does not decide.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt16Type, UInt32Type, UInt64Type};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;

use super::Decoder;
use crate::disk::Error;
use crate::selection::{Column, Value, Where};

impl Decoder<'_> {
    /// Which rows `condition` means. A column that the file is too old to have has no values.
    pub(crate) fn meant(&self, condition: &Where) -> Result<Vec<bool>, Error> {
        let mut columns: BTreeMap<Column, &ArrayRef> = BTreeMap::new();
        for column in condition.columns() {
            let Some(array) = self.batch.column_by_name(column.word()) else { continue };
            if !matches!(array.data_type(), DataType::Utf8 | DataType::Boolean | DataType::Int64 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64) {
                return Err(self.wrong_type(column.word(), array.data_type()));
            }
            columns.insert(column, array);
        }
        Ok((0..self.batch.num_rows()).map(|row| condition.is_met(&|column| columns.get(&column).and_then(|array| value(array, row)))).collect())
    }
}

fn value(array: &ArrayRef, row: usize) -> Option<Value<'_>> {
    if array.is_null(row) {
        return None;
    }
    Some(match array.data_type() {
        DataType::Utf8 => Value::Text(array.as_string_opt::<i32>()?.value(row)),
        DataType::Boolean => Value::Truth(array.as_boolean_opt()?.value(row)),
        DataType::Int64 => Value::Number(array.as_primitive_opt::<Int64Type>()?.value(row).into()),
        DataType::UInt16 => Value::Number(array.as_primitive_opt::<UInt16Type>()?.value(row).into()),
        DataType::UInt32 => Value::Number(array.as_primitive_opt::<UInt32Type>()?.value(row).into()),
        DataType::UInt64 => Value::Number(array.as_primitive_opt::<UInt64Type>()?.value(row).into()),
        _ => return None,
    })
}
