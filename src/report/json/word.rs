//! Words of enums in JSON: written as the enum names them; a word that this version does not know is read as none.

#![expect(clippy::ref_option, reason = "serde hands the field over so")]

use std::str::FromStr;

use serde::{Deserialize as _, Deserializer, Serializer};

pub fn serialize<T, S>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error>
where
    T: Copy + Into<&'static str>,
    S: Serializer,
{
    match *value {
        Some(value) => serializer.serialize_str(value.into()),
        None => serializer.serialize_none(),
    }
}

pub fn deserialize<'de, T: FromStr, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    let word = Option::<String>::deserialize(from)?;
    Ok(word.and_then(|word| word.parse().ok()))
}
