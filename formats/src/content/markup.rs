//! XML and HTML as far as values need it: text between tags, attributes, and whatever is neither.
//!
//! No parser of documents: nothing is validated, unclosed elements are no error, and every byte that is not a tag's own name
//! or bracket is handed out, comments, scripts and declarations as free text. A value has the name of its element or attribute,
//! and where these say nothing (`<input name="…" value="…">`, `<key>…</key><string>…</string>`), the one that stands beside it.

use std::borrow::Cow;
use std::ops::Range;

use super::Visit;
use super::body::{Spot, is_json};
use super::json;
use super::leaf::{Leaf, LeafKind, Surface};
use super::path::{Paths, push_name};
use super::url::lossy;
use crate::model::Part;

pub(super) fn visit(bytes: &[u8], spot: Spot<'_>, f: Visit<'_>) {
    let mut visitor = MarkupVisitor {
        bytes,
        spot,
        stack: Vec::new(),
        attributes: Vec::new(),
        path: String::new(),
        paths: Paths::default(),
        beside: None,
        table: Table::default(),
        is_html: false,
        f,
    };
    let mut at = 0;
    while at < bytes.len() {
        let Some(open) = memchr::memchr(b'<', &bytes[at..]).map(|offset| at + offset) else {
            visitor.text(at..bytes.len(), LeafKind::ElementText, Surface::Markup);
            return;
        };
        visitor.text(at..open, LeafKind::ElementText, Surface::Markup);
        at = visitor.tag(open);
    }
}

struct MarkupVisitor<'b, 'v> {
    bytes: &'b [u8],
    spot: Spot<'b>,
    /// The open elements.
    stack: Vec<Element<'b>>,
    /// Those of the tag at hand.
    attributes: Vec<Attribute>,
    path: String,
    paths: Paths,
    /// What the last element that names the one behind it said, and how many elements were open around it.
    beside: Option<(usize, Cow<'b, str>)>,
    table: Table<'b>,
    /// The document is HTML, whose names say how a text is shown, and not what it is.
    is_html: bool,
    f: Visit<'v>,
}

/// What is known of the columns of a table in HTML: a row of headings names those of the rows below it.
#[derive(Default)]
struct Table<'b> {
    columns: Vec<Cow<'b, str>>,
    /// The headings of the row at hand.
    headings: Vec<Cow<'b, str>>,
    /// How many cells of the row at hand are values.
    cells: usize,
}

impl<'b> Table<'b> {
    fn row(&mut self) {
        let headings = std::mem::take(&mut self.headings);
        if self.cells == 0 && headings.len() > 1 {
            self.columns = headings;
        }
        self.cells = 0;
    }

    /// The column of the next cell of the row.
    fn cell(&mut self) -> Option<Cow<'b, str>> {
        self.cells += 1;
        self.columns.get(self.cells - 1).cloned()
    }
}

struct Element<'b> {
    name: Cow<'b, str>,
    /// What its text is called, if not by the element's own name.
    told: Option<Cow<'b, str>>,
    /// How long the path was outside of it.
    path_length: usize,
}

struct Attribute {
    name: Range<usize>,
    /// `None`: a word without a value.
    value: Option<Range<usize>>,
}

impl<'b> MarkupVisitor<'b, '_> {
    /// What begins with `<` at `open`; answers where it ends.
    fn tag(&mut self, open: usize) -> usize {
        let bytes = self.bytes;
        let rest = &bytes[open..];
        for (start, end, text_from) in [(&b"<!--"[..], &b"-->"[..], 4), (b"<![CDATA[", b"]]>", 9), (b"<?", b"?>", 2), (b"<!", b">", 2)] {
            if rest.starts_with(start) {
                let content_end = memchr::memmem::find(rest, end).filter(|at| *at >= text_from).unwrap_or(rest.len());
                let kind = if start == b"<![CDATA[" { LeafKind::ElementText } else { LeafKind::Text };
                self.text(open + text_from.min(rest.len())..open + content_end, kind, Surface::Raw);
                return (open + content_end + end.len()).min(bytes.len());
            }
        }
        let is_closing = rest.get(1) == Some(&b'/');
        let name_start = open + if is_closing { 2 } else { 1 };
        let name_end = bytes[name_start.min(bytes.len())..].iter().position(|byte| !is_name_byte(*byte)).map_or(bytes.len(), |at| name_start + at);
        if name_end <= name_start {
            // A bracket that opens nothing is text.
            let end = memchr::memchr(b'<', &bytes[open + 1..]).map_or(bytes.len(), |at| open + 1 + at);
            self.text(open..end, LeafKind::Text, Surface::Raw);
            return end;
        }
        let name = local_name(&bytes[name_start..name_end]);
        if is_closing {
            self.close(&name);
            let end = memchr::memchr(b'>', &bytes[name_end..]).map_or(bytes.len(), |at| name_end + at);
            self.text(name_end..end, LeafKind::Text, Surface::Raw);
            return (end + 1).min(bytes.len());
        }
        let (end, closes_itself) = self.read_attributes(name_end);
        let column = match &*name {
            "table" => {
                self.table = Table::default();
                None
            }
            "tr" => {
                self.table.row();
                self.beside = None;
                None
            }
            "td" => self.table.cell(),
            _ => None,
        };
        let told = column.or_else(|| self.told(&name));
        let is_open = self.stack.len() < MAX_DEPTH;
        self.is_html |= name.eq_ignore_ascii_case("html");
        if is_open {
            self.stack.push(Element { name: name.clone(), told: told.clone(), path_length: self.path.len() });
            push_name(&mut self.path, &name);
        }
        self.hand_out_attributes(told.as_deref());
        if closes_itself || VOID_ELEMENTS.contains(&&*name) {
            if is_open {
                self.close(&name);
            }
        } else if matches!(&*name, "script" | "style") {
            // No tags inside: the text goes to the closing tag.
            let close = format!("</{name}");
            let text_end = memchr::memmem::find(&bytes[end..], close.as_bytes()).map_or(bytes.len(), |at| end + at);
            self.script(end..text_end);
            return text_end;
        }
        end
    }

    fn close(&mut self, name: &str) {
        if let Some(depth) = self.stack.iter().rposition(|element| element.name == name) {
            self.path.truncate(self.stack[depth].path_length);
            self.stack.truncate(depth);
        }
    }

    /// From behind a tag's name to behind its `>`; also whether it ends in `/>`. The attributes are left in the list.
    fn read_attributes(&mut self, mut at: usize) -> (usize, bool) {
        let bytes = self.bytes;
        self.attributes.clear();
        let mut slash = false;
        while at < bytes.len() {
            match bytes[at] {
                b'>' => return (at + 1, slash),
                b'/' => {
                    slash = true;
                    at += 1;
                }
                byte if byte.is_ascii_whitespace() => at += 1,
                _ => {
                    slash = false;
                    let name_end =
                        bytes[at..].iter().position(|byte| matches!(byte, b'=' | b'>' | b'/') || byte.is_ascii_whitespace()).map_or(bytes.len(), |to| at + to);
                    let name = at..name_end;
                    at = skip_space(bytes, name_end);
                    if name.is_empty() || bytes.get(at) != Some(&b'=') {
                        // A word without a value: `disabled`, or anything at all.
                        at = at.max(name.start + 1);
                        self.attributes.push(Attribute { name, value: None });
                        continue;
                    }
                    at = skip_space(bytes, at + 1);
                    let (value, next) = match bytes.get(at) {
                        Some(quote @ (b'"' | b'\'')) => {
                            let end = memchr::memchr(*quote, &bytes[at + 1..]).map_or(bytes.len(), |to| at + 1 + to);
                            (at + 1..end, (end + 1).min(bytes.len()))
                        }
                        _ => {
                            let end = bytes[at..].iter().position(|byte| *byte == b'>' || byte.is_ascii_whitespace()).map_or(bytes.len(), |to| at + to);
                            (at..end, end)
                        }
                    };
                    at = next;
                    self.attributes.push(Attribute { name, value: Some(value) });
                }
            }
        }
        (at, slash)
    }

    /// What the value in an element is called, if its own name does not say: by an attribute, by the element before it, by the one around it.
    fn told(&self, name: &str) -> Option<Cow<'b, str>> {
        let bytes = self.bytes;
        let attribute = |wanted: &str| {
            let found = self.attributes.iter().find(|attribute| local_name(&bytes[attribute.name.clone()]).eq_ignore_ascii_case(wanted));
            found.and_then(|attribute| attribute.value.clone()).filter(|value| !value.is_empty()).map(|value| lossy(unescaped(&bytes[value])))
        };
        let is_general = is_general(name);
        if !is_general {
            return None;
        }
        attribute("type")
            .filter(|word| word == "password")
            .or_else(|| TELLING_ATTRIBUTES.into_iter().find_map(attribute))
            .or_else(|| self.beside.as_ref().filter(|(depth, _)| *depth == self.stack.len()).map(|(_, name)| name.clone()))
            .or_else(|| self.stack.last().and_then(|element| element.told.clone()))
    }

    fn hand_out_attributes(&mut self, told: Option<&str>) {
        let bytes = self.bytes;
        let attributes = std::mem::take(&mut self.attributes);
        for Attribute { name, value } in &attributes {
            let Some(value) = value.clone() else {
                self.text(name.clone(), LeafKind::Text, Surface::Raw);
                continue;
            };
            let own = local_name(&bytes[name.clone()]);
            let name = told.filter(|_| matches!(&*own, "value" | "content" | "Value" | "defaultValue")).unwrap_or(&own);
            // What an attribute calls the value beside it is no value.
            let is_naming = told.is_some() && TELLING_ATTRIBUTES.iter().any(|telling| own.eq_ignore_ascii_case(telling));
            let name = Some(name).filter(|_| !(is_naming || self.is_html && own.eq_ignore_ascii_case("accesskey")));
            let path = self.paths.start(&[self.spot.prefix, &self.path, ";", &own]).unique();
            let (span, value) = (self.spot.offset + value.start..self.spot.offset + value.end, Surface::Markup.undress(&bytes[value]));
            self.f.leaf(Leaf {
                part: Part::Body,
                path,
                name: name.map(Cow::Borrowed),
                kind: LeafKind::ElementAttribute,
                span,
                value,
                surface: Surface::Markup,
            });
        }
        self.attributes = attributes;
    }

    /// A script is JSON or text.
    fn script(&mut self, span: Range<usize>) {
        let text = &self.bytes[span.clone()];
        if is_json(text) {
            let prefix = self.paths.start(&[self.spot.prefix, &self.path]).unique();
            json::visit(text, Spot { prefix, name: None, offset: self.spot.offset + span.start, ..self.spot }, self.f);
        } else {
            self.text(span, LeafKind::Text, Surface::Raw);
        }
    }

    fn text(&mut self, span: Range<usize>, kind: LeafKind, surface: Surface) {
        let text = &self.bytes[span.start..span.end.max(span.start)];
        let trimmed = text.trim_ascii();
        if trimmed.is_empty() {
            return;
        }
        let start = span.start + (text.len() - text.trim_ascii_start().len());
        let value = surface.undress(trimmed);
        let element = self.stack.last().filter(|_| kind == LeafKind::ElementText);
        if element.is_some_and(|element| NAMING_ELEMENTS.contains(&&*element.name)) && value.len() <= MAX_TOLD {
            let said = lossy(surface.undress(trimmed));
            if element.is_some_and(|element| element.name == "th") {
                self.table.headings.push(said.clone());
            }
            self.beside = Some((self.stack.len() - 1, said));
        }
        let own = element.map(|element| &*element.name).filter(|own| !(self.is_html && own.eq_ignore_ascii_case("code")));
        let name = element.and_then(|element| element.told.as_deref()).or(own);
        let path = self.paths.start(&[self.spot.prefix, &self.path]).unique();
        let span = self.spot.offset + start..self.spot.offset + start + trimmed.len();
        self.f.leaf(Leaf { part: Part::Body, path, name: name.map(Cow::Borrowed), kind, span, value, surface });
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':') || byte >= 0x80
}

/// A name without its namespace prefix, in its own case.
fn local_name(name: &[u8]) -> Cow<'_, str> {
    lossy(Cow::Borrowed(memchr::memrchr(b':', name).map_or(name, |colon| &name[colon + 1..])))
}

/// Whether an element's own name says nothing of what stands in it.
fn is_general(name: &str) -> bool {
    let mut buffer = [0; 16];
    let Some(lower) = buffer.get_mut(..name.len()) else { return false };
    lower.copy_from_slice(name.as_bytes());
    lower.make_ascii_lowercase();
    matches!(
        &*lower,
        b"input"
            | b"textarea"
            | b"select"
            | b"option"
            | b"button"
            | b"meta"
            | b"data"
            | b"output"
            | b"dd"
            | b"td"
            | b"property"
            | b"param"
            | b"parameter"
            | b"field"
            | b"entry"
            | b"item"
            | b"add"
            | b"setting"
            | b"attribute"
            | b"attributevalue"
            | b"value"
            | b"string"
            | b"integer"
            | b"int"
            | b"var"
            | b"arg"
    )
}

fn skip_space(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|byte| !byte.is_ascii_whitespace()).map_or(bytes.len(), |to| at + to)
}

/// What character data says; borrowed if it has no entities. An entity that is none stays as it is.
pub(super) fn unescaped(raw: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr::memchr_iter(b'&', raw).find(|at| entity(&raw[*at..]).is_some()) else { return Cow::Borrowed(raw) };
    let mut out = raw[..first].to_vec();
    let mut at = first;
    while at < raw.len() {
        let (character, length) = if raw[at] == b'&' { entity(&raw[at..]) } else { None }.unzip();
        match character {
            Some(character) => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            None => out.push(raw[at]),
        }
        at += length.unwrap_or(1);
    }
    Cow::Owned(out)
}

/// The entity that `raw` begins with, and how many bytes it takes.
pub(super) fn entity(raw: &[u8]) -> Option<(char, usize)> {
    let end = memchr::memchr(b';', &raw[..raw.len().min(MAX_ENTITY)])?;
    let character = match &raw[1..end] {
        b"amp" => '&',
        b"lt" => '<',
        b"gt" => '>',
        b"quot" => '"',
        b"apos" => '\'',
        b"nbsp" => '\u{a0}',
        b"commat" => '@',
        b"period" => '.',
        b"colon" => ':',
        b"comma" => ',',
        b"semi" => ';',
        b"sol" => '/',
        b"bsol" => '\\',
        b"plus" => '+',
        b"equals" => '=',
        b"lowbar" => '_',
        b"num" => '#',
        b"percnt" => '%',
        b"dollar" => '$',
        b"excl" => '!',
        b"quest" => '?',
        b"ast" => '*',
        b"lpar" => '(',
        b"rpar" => ')',
        b"hyphen" => '\u{2010}',
        b"Tab" => '\t',
        b"NewLine" => '\n',
        [b'#', b'x' | b'X', digits @ ..] => char::from_u32(u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?)?,
        [b'#', digits @ ..] => char::from_u32(std::str::from_utf8(digits).ok()?.parse().ok()?)?,
        name => latin(name)?,
    };
    Some((character, end + 1))
}

/// A letter of Latin-1 by its entity's name: the letter, then what it wears.
fn latin(name: &[u8]) -> Option<char> {
    let (letter, mark) = name.split_first()?;
    let letters = match mark {
        b"acute" => "AÁaáEÉeéIÍiíOÓoóUÚuúYÝyý",
        b"grave" => "AÀaàEÈeèIÌiìOÒoòUÙuù",
        b"circ" => "AÂaâEÊeêIÎiîOÔoôUÛuû",
        b"uml" => "AÄaäEËeëIÏiïOÖoöUÜuüyÿ",
        b"tilde" => "AÃaãNÑnñOÕoõ",
        b"cedil" => "CÇcç",
        b"ring" => "AÅaå",
        b"slash" => "OØoø",
        b"Elig" | b"elig" => "AÆaæ",
        b"zlig" => "sß",
        _ => return None,
    };
    letters.chars().skip_while(|character| *character != char::from(*letter)).nth(1)
}

/// The longest entity that is read, its ampersand and semicolon included.
const MAX_ENTITY: usize = 12;
/// Deeper elements count as their ancestors at this depth.
const MAX_DEPTH: usize = 64;
/// The longest name that an element gives to the one behind it.
const MAX_TOLD: usize = 64;
/// Elements whose texts name what stands in the next one: property lists, XML-RPC, definition lists, forms.
const NAMING_ELEMENTS: [&str; 7] = ["key", "name", "dt", "th", "td", "label", "Name"];
/// Attributes that say what the value of an element is called.
const TELLING_ATTRIBUTES: [&str; 7] = ["name", "key", "property", "itemprop", "field", "autocomplete", "id"];
const VOID_ELEMENTS: [&str; 8] = ["br", "img", "input", "meta", "link", "hr", "area", "base"];

#[cfg(test)]
mod tests {
    use super::super::leaf::told;
    use super::*;

    fn leaves(text: &str) -> Vec<String> {
        told(text, |f| {
            visit(text.as_bytes(), Spot::BODY, f);
        })
    }

    #[test]
    fn finds_text_and_attributes() {
        assert_eq!(
            leaves("<?xml version=\"1.0\"?><req id='7'><c:name> A &amp; B </c:name><!-- bob --><x/><![CDATA[<raw>]]></req>tail"),
            ["body: - xml version=\"1.0\"", "body:/req;id id 7", "body:/req/name name A & B", "body:/req - bob", "body:/req#2 req <raw>", "body:#2 - tail",]
        );
        assert_eq!(
            leaves("<p>one<br>two<input value=x@y.z disabled><script>let a = '<b>';</script> 3 < 4 </p>"),
            [
                "body:/p p one",
                "body:/p#2 p two",
                "body:/p/input;value value x@y.z",
                "body:/p/input - disabled",
                "body:/p/script - let a = '<b>';",
                "body:/p#3 p 3",
                "body:/p#4 - < 4"
            ]
        );
    }

    #[test]
    fn names_are_found_beside_what_says_nothing() {
        for (text, expected) in [
            ("<input type=text name=mail value=x>", "body:/input;value mail x"),
            ("<input value='x' type='password'>", "body:/input;value password x"),
            ("<textarea name=\"note\">x</textarea>", "body:/textarea note x"),
            ("<select name=c><option value=x>", "body:/select/option;value c x"),
            ("<meta property='og:email' content='x'/>", "body:/meta;content og:email x"),
            ("<dict><key>mail</key><string>x</string></dict>", "body:/dict/string mail x"),
            ("<member><name>mail</name><value><string>x</string></value></member>", "body:/member/value/string mail x"),
            ("<saml:Attribute Name='mail'><saml:AttributeValue>x</saml:AttributeValue></saml:Attribute>", "body:/Attribute/AttributeValue mail x"),
            ("<dl><dt>Mail</dt><dd>x</dd></dl>", "body:/dl/dd Mail x"),
            ("<table><tr><td>a</td></tr><tr><td>mail</td><td>x</td></tr></table>", "body:/table/tr/td#3 mail x"),
            ("<table><tr><th>mail</th><td>x</td></tr></table>", "body:/table/tr/td mail x"),
            ("<table><tr><th>id</th><th>mail</th></tr><tr><td>7</td><td>x</td></tr></table>", "body:/table/tr/td#2 mail x"),
            ("<a><name>n</name></a><value>x</value>", "body:/value value x"),
            ("<script type=x>{\"a\":\"x\"}</script>", "body:/script/a a x"),
            ("<user name='u'>x</user>", "body:/user user x"),
            ("<code>x</code>", "body:/code code x"),
            ("<html><a accesskey=n>x</a><code>y</code></html>", "body:/html/code - y"),
            ("<html><a accesskey=n>x</a><code>y</code></html>", "body:/html/a;accesskey - n"),
        ] {
            let seen = leaves(text);
            assert!(seen.iter().any(|leaf| leaf == expected), "{text}: {seen:?}");
        }
    }

    #[test]
    fn every_prefix_is_read_without_panic() {
        let text = "<!DOCTYPE a [<!b>]><a b=\"c&#x41;\" d='e' f=g h/><!-- x --><![CDATA[y]]></a z><script>q";
        for end in 0..=text.len() {
            leaves(&text[..end]);
        }
    }

    #[test]
    fn entities_are_undone() {
        for (raw, expected) in
            [("a&lt;b&#233;&#xe9;", "a<béé"), ("a&commat;b&period;c &Uuml;&szlig;&eacute;", "a@b.c Üßé"), ("&nope; & &#xd800;", "&nope; & &#xd800;")]
        {
            assert_eq!(String::from_utf8_lossy(&unescaped(raw.as_bytes())), expected);
        }
    }
}
