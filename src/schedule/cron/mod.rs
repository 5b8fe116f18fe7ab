//! Cron expressions. Our own reading checks the text, says what is wrong and where, and spells it in one normal form;
//! croner takes that form and finds the next local time.

mod expression;
mod field;
mod item;
mod pattern;
mod read;
mod unit;

pub(super) use expression::Expression;
pub(super) use field::Field;
pub(super) use item::{Item, Nth, Values};
pub(super) use pattern::Pattern;
pub(super) use unit::Unit;
