//! Short words of enums, as JSON, tables and options carry them.

/// Gives an enum that derives `strum::IntoStaticStr` its word as a method.
#[macro_export]
#[doc(hidden)]
macro_rules! worded {
    ($name:ident) => {
        impl $name {
            /// Its word in JSON, tables and options.
            pub fn word(self) -> &'static str {
                self.into()
            }
        }
    };
}
