//! Rows of named fields from a side file: JSON as `ConvertTo-Json` prints it, or CSV as `ConvertTo-Csv` does.
//!
//! UTF-8 or UTF-16. JSON may be one object, an array, or several of them one behind the other (`>>`). Windows
//! PowerShell 5.1 wraps some values (`{"value": ..., "Count": 2}`, `{"value": "/Date(..)/", "DateTime": ...}`): unwrapped.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::HostError;
use super::limits::ROWS;
use crate::store::when::{DayOrder, NoTime, When, day_order, parse};

/// What is wrong with a side file, by row and field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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
    fields: Fields,
}

impl Sheet {
    /// Reads the fields of these names of a whole file.
    ///
    /// # Errors
    /// If it is neither JSON nor CSV, or has too many rows.
    pub fn read(text: &str, wanted: &'static [&'static str]) -> Result<Self, SheetError> {
        let rows = match text.trim_start().chars().next() {
            Some('{' | '[') => json(text, wanted)?,
            Some(_) => csv(text, wanted)?,
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

type Fields = Vec<(&'static str, Value)>;

fn wanted_name(wanted: &'static [&'static str], name: &str) -> Option<&'static str> {
    let mut wanted = wanted.iter().copied();
    wanted.find(|wanted| wanted.eq_ignore_ascii_case(name))
}

fn too_many() -> SheetError {
    SheetError::Form(HostError::TooMany(ROWS, "rows").to_string())
}

fn json(text: &str, wanted: &'static [&'static str]) -> Result<Vec<Fields>, SheetError> {
    let mut text = Cow::Borrowed(text);
    if text.contains('\u{feff}') {
        text = Cow::Owned(text.replace('\u{feff}', " "));
    }
    let mut rows = Vec::new();
    let mut reader = serde_json::Deserializer::from_str(&text);
    while reader.end().is_err() {
        let rows = Documents {
            wanted,
            rows: &mut rows,
        };
        rows.deserialize(&mut reader)
            .map_err(|error| SheetError::Form(format!("no JSON: {error}")))?;
    }
    Ok(rows)
}

/// Takes rows from a document as it is read: an object, or a list of objects, perhaps wrapped.
struct Documents<'a> {
    wanted: &'static [&'static str],
    rows: &'a mut Vec<Fields>,
}

impl Documents<'_> {
    fn push<E: Error>(&mut self, row: Fields) -> Result<(), E> {
        if self.rows.len() == ROWS {
            return Err(E::custom(HostError::TooMany(ROWS, "rows")));
        }
        self.rows.push(row);
        Ok(())
    }

    fn no_row<E: Error>(&self) -> E {
        let row = self.rows.len().saturating_add(1);
        E::custom(format!("row {row}: is no object with named fields"))
    }
}

impl<'de> DeserializeSeed<'de> for Documents<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Documents<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with named fields, or a list of them")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        let wanted = self.wanted;
        while let Some(element) = elements.next_element_seed(RowSeed { wanted })? {
            match element {
                Element::Row(row) => self.push(row)?,
                Element::Null => {}
                Element::Other => return Err(self.no_row()),
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut fields: A) -> Result<(), A::Error> {
        let mut row = Vec::new();
        let mut is_wrapper = false;
        while let Some(name) = fields.next_key::<Cow<'de, str>>()? {
            if name == "value" && row.is_empty() {
                is_wrapper = true;
                fields.next_value_seed(Documents {
                    wanted: self.wanted,
                    rows: &mut *self.rows,
                })?;
            } else {
                take_field(&mut fields, self.wanted, &name, &mut row)?;
            }
        }
        if is_wrapper { Ok(()) } else { self.push(row) }
    }
}

fn take_field<'de, A: MapAccess<'de>>(
    fields: &mut A,
    wanted: &'static [&'static str],
    name: &str,
    row: &mut Fields,
) -> Result<(), A::Error> {
    match wanted_name(wanted, name) {
        Some(name) => row.push((name, fields.next_value()?)),
        None => {
            fields.next_value::<IgnoredAny>()?;
        }
    }
    Ok(())
}

/// An element of a list.
enum Element {
    Row(Fields),
    Null,
    Other,
}

struct RowSeed {
    wanted: &'static [&'static str],
}

impl<'de> DeserializeSeed<'de> for RowSeed {
    type Value = Element;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Element, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for RowSeed {
    type Value = Element;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with named fields")
    }

    fn visit_unit<E>(self) -> Result<Element, E> {
        Ok(Element::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Element, E> {
        Ok(Element::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Element, E> {
        Ok(Element::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Element, E> {
        Ok(Element::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Element, E> {
        Ok(Element::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Element, E> {
        Ok(Element::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Element, A::Error> {
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Element::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Element, A::Error> {
        let mut row = Vec::new();
        while let Some(name) = fields.next_key::<Cow<'de, str>>()? {
            take_field(&mut fields, self.wanted, &name, &mut row)?;
        }
        Ok(Element::Row(row))
    }
}

/// RFC 4180, with `,`, `;` or a tab between the fields, as the host's region has it, and a `#TYPE` line above.
fn csv(text: &str, wanted: &'static [&'static str]) -> Result<Vec<Fields>, SheetError> {
    let mut text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with("#TYPE") {
        text = text.split_once('\n').map_or("", |(_, rest)| rest);
    }
    let heading = text.lines().next().unwrap_or_default();
    let separator = [',', ';', '\t']
        .into_iter()
        .max_by_key(|separator| heading.matches(*separator).count())
        .unwrap_or(',');
    let mut names: Option<Vec<Option<&'static str>>> = None;
    let mut rows: Vec<Fields> = Vec::new();
    records(text, separator, &mut |record| {
        let Some(names) = &names else {
            let known = record.iter().map(|name| wanted_name(wanted, name.trim()));
            names = Some(known.collect());
            return Ok(());
        };
        if record.iter().all(String::is_empty) {
            return Ok(());
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
        if rows.len() == ROWS {
            return Err(too_many());
        }
        let fields = names.iter().zip(record);
        let wanted = fields.filter_map(|(name, field)| Some(((*name)?, Value::String(field))));
        rows.push(wanted.collect());
        Ok(())
    })?;
    Ok(rows)
}

/// Hands over each record as it ends.
fn records(
    text: &str,
    separator: char,
    take: &mut dyn FnMut(Vec<String>) -> Result<(), SheetError>,
) -> Result<(), SheetError> {
    let mut count = 0_usize;
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
                take(std::mem::take(&mut record))?;
                count = count.saturating_add(1);
            }
            c => field.push(c),
        }
    }
    if quoted {
        return Err(SheetError::Form(format!(
            "row {count}: a quoted field does not end"
        )));
    }
    if !field.is_empty() || !record.is_empty() {
        record.push(field);
        take(record)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Sheet, SheetError> {
        Sheet::read(text, &["A", "B c", "Disks", "c0", "c1", "c2", "c3", "c4"])
    }

    #[test]
    fn csv_with_type_line_quotes_and_any_separator_is_read() {
        for separator in [",", ";", "\t"] {
            let text = format!(
                "#TYPE Selected.System.IO.FileInfo\r\n\"A\"{separator}\"B c\"\r\n\"x\"\"y{separator}\nz\"{separator}2\r\n"
            );
            let sheet = read(&text).unwrap();
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
        let sheet = read(&several).unwrap();
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
        let sheet = read("Name,Disks\na,System.Object[]\n").unwrap();
        let error = sheet.rows[0].list("Disks").unwrap_err().to_string();
        assert!(
            error.starts_with("row 1, Disks: PowerShell printed"),
            "{error}"
        );
        let error = read("A,B\n1,2\n3\n").unwrap_err().to_string();
        assert_eq!(error, "row 2: has 1 fields, the heading has 2");
        assert!(read("A\n\"x").is_err());
        assert!(read("[1]").is_err());
        assert!(read("{\"A\":").is_err());
        assert_eq!(read("").unwrap().rows, []);
    }

    #[test]
    fn deep_nesting_is_an_error_not_a_crash() {
        assert!(read(&"[".repeat(100_000)).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_rows_or_an_error(text in "\\PC{0,200}") {
            let _ = read(&text);
        }

        #[test]
        fn quoted_csv_comes_back(cells in proptest::collection::vec("[ -~\n]{1,12}", 1..6)) {
            let quote = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
            let names: Vec<_> = (0..cells.len()).map(|n| format!("\"c{n}\"")).collect();
            let line: Vec<_> = cells.iter().map(quote).collect();
            let text = format!("{}\r\n{}\r\n", names.join(","), line.join(","));
            let sheet = read(&text).unwrap();
            for (number, cell) in cells.iter().enumerate() {
                let read = sheet.rows[0].value(&format!("c{number}")).and_then(Value::as_str);
                prop_assert_eq!(read, Some(cell.as_str()));
            }
        }
    }
}
