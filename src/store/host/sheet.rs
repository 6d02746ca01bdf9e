//! Rows of named fields from a side file: JSON as `ConvertTo-Json` prints it, or CSV as `ConvertTo-Csv` does.
//!
//! UTF-8 or UTF-16. JSON may be one object, an array, or several of them one behind the other (`>>`). Windows
//! PowerShell 5.1 wraps some values (`{"value": ..., "Count": 2}`, `{"value": "/Date(..)/", "DateTime": ...}`): unwrapped.

use serde_json::Value;
use thiserror::Error;

use crate::store::when::{DayOrder, NoTime, When, day_order, parse};

/// What is wrong with a side file, by row and field.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SheetError {
    /// Neither JSON nor CSV with the columns wanted.
    #[error("{0}")]
    Form(String),
    /// A field is not what it should be.
    #[error("row {row}, {field}: {why}")]
    Field {
        /// Counted from 1, without a heading.
        row: usize,
        /// The field's name.
        field: &'static str,
        why: String,
    },
}

impl SheetError {
    /// Of a text in no encoding known.
    pub(super) fn encoding() -> Self {
        let why = "it is neither UTF-8 nor UTF-16; save it with -Encoding UTF8";
        Self::Form(why.to_owned())
    }
}

/// The rows of a side file.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    pub rows: Vec<SheetRow>,
}

/// One row: fields by name.
#[derive(Debug, Clone, PartialEq)]
pub struct SheetRow {
    /// Counted from 1, without a heading.
    pub number: usize,
    fields: Vec<(String, Value)>,
}

impl Sheet {
    /// Reads a whole file.
    ///
    /// # Errors
    /// If it is neither JSON nor CSV.
    pub fn read(text: &str) -> Result<Self, SheetError> {
        let rows = match text.trim_start().chars().next() {
            Some('{' | '[') => json(text)?,
            Some(_) => csv(text)?,
            None => Vec::new(),
        };
        let number = |(index, fields): (usize, _)| SheetRow {
            number: index.saturating_add(1),
            fields,
        };
        Ok(Self {
            rows: rows.into_iter().enumerate().map(number).collect(),
        })
    }

    /// What the times in these fields say of the order of day and month: one host wrote them all.
    pub fn day_order(&self, fields: &[&str]) -> DayOrder {
        self.rows
            .iter()
            .flat_map(|row| fields.iter().filter_map(|field| row.text(field)))
            .fold(DayOrder::Unknown, |order, text| order.and(day_order(&text)))
    }
}

impl SheetRow {
    /// Whether the row has a field of that name with something in it.
    pub fn has(&self, field: &str) -> bool {
        match self.value(field) {
            None | Some(Value::Null) => false,
            Some(Value::String(text)) => !text.trim().is_empty(),
            Some(_) => true,
        }
    }

    /// A field by name, without case, unwrapped.
    pub fn value(&self, field: &str) -> Option<&Value> {
        let (_, value) = self
            .fields
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(field))?;
        Some(unwrapped(value))
    }

    /// A field as text: strings and numbers; `None` if missing, null or empty.
    pub fn text(&self, field: &str) -> Option<String> {
        text_of(self.value(field)?)
    }

    /// A field as a list of texts; one text is a list of one, an object counts by its `Path`.
    ///
    /// # Errors
    /// If PowerShell printed the list's type in place of its content, or an element is no text.
    pub fn list(&self, field: &'static str) -> Result<Option<Vec<String>>, SheetError> {
        let error = |why: &str| SheetError::Field {
            row: self.number,
            field,
            why: why.to_owned(),
        };
        let elements = match self.value(field) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Array(elements)) => elements.as_slice(),
            Some(one) => std::slice::from_ref(one),
        };
        let mut list = Vec::new();
        for element in elements {
            let element = unwrapped(element);
            let inner = element.as_object().and_then(|object| {
                let path = |(name, _): &(&String, _)| name.eq_ignore_ascii_case("Path");
                object.iter().find(path).map(|(_, value)| value)
            });
            match inner.unwrap_or(element) {
                Value::Null => {}
                Value::String(text)
                    if text.starts_with("System.") || text.starts_with("Microsoft.HyperV.") =>
                {
                    return Err(error(
                        "PowerShell printed the type of the list, not its content; use ConvertTo-Json, or join the paths with ';'",
                    ));
                }
                Value::String(text) => {
                    let paths = text.split([';', '\n', '|']).map(str::trim);
                    list.extend(paths.filter(|path| !path.is_empty()).map(str::to_owned));
                }
                _ => return Err(error("is neither a path nor a list of paths")),
            }
        }
        Ok(Some(list))
    }

    /// A field as a time; `None` if missing, null or empty.
    ///
    /// # Errors
    /// If it is no time, or an ambiguous one.
    pub fn time(&self, field: &'static str, order: DayOrder) -> Result<Option<When>, SheetError> {
        let Some(text) = self.text(field) else {
            return if self.has(field) {
                Err(self.no_time(field, "this", NoTime::Form))
            } else {
                Ok(None)
            };
        };
        let when = parse(&text, order);
        when.map(Some)
            .map_err(|why| self.no_time(field, &format!("\"{text}\""), why))
    }

    fn no_time(&self, field: &'static str, what: &str, why: NoTime) -> SheetError {
        SheetError::Field {
            row: self.number,
            field,
            why: format!("{what} {why}"),
        }
    }
}

/// What PowerShell 5.1 wrapped in an object with `value`.
fn unwrapped(value: &Value) -> &Value {
    match value {
        Value::Object(object) => object.get("value").unwrap_or(value),
        _ => value,
    }
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

type Fields = Vec<(String, Value)>;

fn json(text: &str) -> Result<Vec<Fields>, SheetError> {
    let mut rows = Vec::new();
    let documents = text.replace('\u{feff}', " ");
    for document in serde_json::Deserializer::from_str(&documents).into_iter::<Value>() {
        let document = document.map_err(|error| SheetError::Form(format!("no JSON: {error}")))?;
        let elements = match unwrapped(&document) {
            Value::Array(elements) => elements.clone(),
            _ => vec![document],
        };
        for element in elements {
            match element {
                Value::Object(object) => rows.push(object.into_iter().collect()),
                Value::Null => {}
                _ => {
                    let row = rows.len().saturating_add(1);
                    let why = format!("row {row}: is no object with named fields");
                    return Err(SheetError::Form(why));
                }
            }
        }
    }
    Ok(rows)
}

/// RFC 4180, with `,`, `;` or a tab between the fields, as the host's region has it, and a `#TYPE` line above.
fn csv(text: &str) -> Result<Vec<Fields>, SheetError> {
    let mut text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with("#TYPE") {
        text = text.split_once('\n').map_or("", |(_, rest)| rest);
    }
    let heading = text.lines().next().unwrap_or_default();
    let separator = [',', ';', '\t']
        .into_iter()
        .max_by_key(|separator| heading.matches(*separator).count())
        .unwrap_or(',');
    let mut records = records(text, separator)?.into_iter();
    let names = records.next().unwrap_or_default();
    let mut rows = Vec::new();
    for record in records {
        if record.iter().all(String::is_empty) {
            continue;
        }
        if record.len() != names.len() {
            let row = rows.len().saturating_add(1);
            let why = format!(
                "row {row}: has {} fields, the heading has {}",
                record.len(),
                names.len()
            );
            return Err(SheetError::Form(why));
        }
        let fields = names.iter().cloned().zip(record);
        rows.push(
            fields
                .map(|(name, field)| (name.trim().to_owned(), Value::String(field)))
                .collect(),
        );
    }
    Ok(rows)
}

fn records(text: &str, separator: char) -> Result<Vec<Vec<String>>, SheetError> {
    let mut records = Vec::new();
    let mut record: Vec<String> = Vec::new();
    let mut field = String::new();
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => quoted = true,
            c if quoted => field.push(c),
            c if c == separator => record.push(std::mem::take(&mut field)),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' => {
                record.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut record));
            }
            c => field.push(c),
        }
    }
    if quoted {
        let row = records.len();
        return Err(SheetError::Form(format!(
            "row {row}: a quoted field does not end"
        )));
    }
    if !field.is_empty() || !record.is_empty() {
        record.push(field);
        records.push(record);
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn csv_with_type_line_quotes_and_any_separator_is_read() {
        for separator in [",", ";", "\t"] {
            let text = format!(
                "#TYPE Selected.System.IO.FileInfo\r\n\"A\"{separator}\"B c\"\r\n\"x\"\"y{separator}\nz\"{separator}2\r\n"
            );
            let sheet = Sheet::read(&text).unwrap();
            assert_eq!(sheet.rows.len(), 1);
            let first = format!("x\"y{separator}\nz");
            assert_eq!(sheet.rows[0].text("a"), Some(first));
            assert_eq!(sheet.rows[0].text("b C"), Some("2".to_owned()));
        }
    }

    #[test]
    fn json_of_either_powershell_is_read() {
        let one = r#"{"A":{"value":["x","y"],"Count":2}}"#;
        let several = format!("[{one},null,{{\"A\":\"z\"}}]\n\u{feff}{one}");
        let sheet = Sheet::read(&several).unwrap();
        let lists: Vec<_> = sheet
            .rows
            .iter()
            .map(|row| row.list("A").unwrap())
            .collect();
        let xy = Some(vec!["x".to_owned(), "y".to_owned()]);
        assert_eq!(lists, [xy.clone(), Some(vec!["z".to_owned()]), xy]);
        assert_eq!(sheet.rows[2].number, 3);
    }

    #[test]
    fn faults_name_row_and_field() {
        let sheet = Sheet::read("Name,Disks\na,System.Object[]\n").unwrap();
        let error = sheet.rows[0].list("Disks").unwrap_err().to_string();
        assert!(
            error.starts_with("row 1, Disks: PowerShell printed"),
            "{error}"
        );
        let error = Sheet::read("A,B\n1,2\n3\n").unwrap_err().to_string();
        assert_eq!(error, "row 2: has 1 fields, the heading has 2");
        assert!(Sheet::read("A\n\"x").is_err());
        assert!(Sheet::read("[1]").is_err());
        assert!(Sheet::read("{\"A\":").is_err());
        assert_eq!(Sheet::read("").unwrap().rows, []);
    }

    #[test]
    fn deep_nesting_is_an_error_not_a_crash() {
        assert!(Sheet::read(&"[".repeat(100_000)).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_rows_or_an_error(text in "\\PC{0,200}") {
            let _ = Sheet::read(&text);
        }

        #[test]
        fn quoted_csv_comes_back(cells in proptest::collection::vec("[ -~\n]{1,12}", 1..6)) {
            let quote = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
            let names: Vec<_> = (0..cells.len()).map(|n| format!("\"c{n}\"")).collect();
            let line: Vec<_> = cells.iter().map(quote).collect();
            let text = format!("{}\r\n{}\r\n", names.join(","), line.join(","));
            let sheet = Sheet::read(&text).unwrap();
            for (number, cell) in cells.iter().enumerate() {
                let read = sheet.rows[0].value(&format!("c{number}")).and_then(Value::as_str);
                prop_assert_eq!(read, Some(cell.as_str()));
            }
        }
    }
}
