//! Rows into figures, column by column as they stand in a part.

use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{UInt16Type, UInt32Type, UInt64Type};
use arrow_array::{Array, RecordBatch, StringArray};

use super::super::columns::Decoder;
use super::{Figures, MOST_PART_KINDS, add, add_named};
use crate::disk::Error;
use crate::model::{Anomaly, Role};

impl Figures {
    /// Counts the rows of a batch of `path`; it has the columns that figures are made of.
    pub(in super::super) fn count(&mut self, batch: &RecordBatch, path: &Path) -> Result<(), Error> {
        let decoder = Decoder::new(batch, path, 0);
        let starts = decoder.starts()?;
        let ends = decoder.times("response_end_ns")?;
        let text = |name| decoder.column(name, |column| column.as_string_opt::<i32>());
        let number = |name| decoder.column(name, |column| column.as_primitive_opt::<UInt64Type>());
        let (method, endpoint, role) = (text("method")?, text("endpoint")?, text("role")?);
        let node = batch.column_by_name("node").map(|_| text("node")).transpose()?;
        let content_types = [text("request_content_type")?, text("response_content_type")?];
        let [request_bytes, response_bytes] = [number("request_bytes")?, number("response_bytes")?];
        let status = decoder.column("status", |column| column.as_primitive_opt::<UInt16Type>())?;
        let ordinal = decoder.column("ordinal", |column| column.as_primitive_opt::<UInt32Type>())?;
        let anomalies = decoder.column("anomalies", |column| column.as_list_opt::<i32>())?;
        let said = |column: &StringArray, row: usize| column.is_valid(row).then(|| column.value(row).to_owned());
        for row in 0..batch.num_rows() {
            self.connections += u64::from(ordinal.value(row) == 1);
            self.last = self.last.max(Some(ends[row].map_or(starts[row], |end| end.max(starts[row]))));
            if let Some(rate) = &mut self.rate {
                rate.add(starts[row], 1);
            }
            if let Some(role) = Role::from_word(role.value(row)) {
                add(&mut self.roles, role, 1);
            }
            if let Some(node) = node.and_then(|node| said(node, row)) {
                add_named(&mut self.nodes, &node, 1, MOST_PART_KINDS);
            }
            for column in content_types.iter().filter(|column| column.is_valid(row)) {
                add_named(&mut self.content_types, column.value(row), 1, MOST_PART_KINDS);
            }
            let odd = anomalies.value(row);
            for word in odd.as_string_opt::<i32>().into_iter().flatten().flatten() {
                // A newer minor version may know more of them.
                if let Some(anomaly) = Anomaly::from_word(word) {
                    add(&mut self.anomalies, anomaly, 1);
                }
            }
            let word = |column: &'_ StringArray| if column.is_valid(row) { column.value(row).to_owned() } else { String::new() };
            let [bytes_in, bytes_out] = [request_bytes, response_bytes].map(|column| if column.is_valid(row) { column.value(row) } else { 0 });
            self.request_bytes = self.request_bytes.saturating_add(bytes_in);
            self.response_bytes = self.response_bytes.saturating_add(bytes_out);
            let figures = self.endpoints.at(&word(method), &word(endpoint), MOST_PART_KINDS);
            figures.exchanges += 1;
            figures.request_bytes = figures.request_bytes.saturating_add(bytes_in);
            figures.response_bytes = figures.response_bytes.saturating_add(bytes_out);
            if status.is_valid(row) {
                add(&mut self.statuses, status.value(row), 1);
                add(&mut figures.classes, status.value(row) / 100, 1);
            } else {
                figures.unanswered += 1;
            }
        }
        Ok(())
    }
}
