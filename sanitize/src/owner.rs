//! Whose value it is: the login name that a password belongs to, the subject that a date is about.
//!
//! In: the leaves of a message, and where passwords or dates stand among them. Out: for each of them the owner that belongs to it, as it
//! was sent. The same object's counts first, then one that it stands within, then the only one that there is; of two login names in one
//! place a user name counts before an address. Nothing is redacted here, and a message without such values is never looked at.

use std::collections::{BTreeMap, BTreeSet};

use reenact_formats::content::{Leaf, LeafKind, visit_nested};
use reenact_formats::model::Part;

/// Where a leaf stands: its part, and where it begins there.
pub(crate) type At = (Part, usize);

/// The owners of some values of one message.
#[derive(Default)]
pub(crate) struct Owners(BTreeMap<At, Vec<u8>>);

impl Owners {
    /// The login names that belong to the passwords that are `asked` for, which stand among the leaves that `visit` hands out.
    pub(crate) fn of_passwords(asked: &[At], visit: impl FnOnce(&mut dyn FnMut(&Leaf<'_>))) -> Self {
        Self::of(asked, visit, &Candidate::login)
    }

    /// The subjects, which stand at one of the templates, of the dates that are `asked` for.
    pub(crate) fn of_dates(asked: &[At], subjects: &BTreeSet<String>, visit: impl FnOnce(&mut dyn FnMut(&Leaf<'_>))) -> Self {
        Self::of(asked, visit, &|leaf| if subjects.contains(&leaf.template()) { Candidate::at(leaf, 0) } else { None })
    }

    fn of(wanted: &[At], visit: impl FnOnce(&mut dyn FnMut(&Leaf<'_>)), candidate: &dyn Fn(&Leaf<'_>) -> Option<Candidate>) -> Self {
        let wanted: BTreeSet<At> = wanted.iter().copied().collect();
        let (mut names, mut asked) = (Candidates::default(), Vec::new());
        visit(&mut |leaf| {
            let at = (leaf.part, leaf.span.start);
            if wanted.contains(&at) {
                asked.push((at, parent(leaf.path).to_owned()));
            } else if let Some(candidate) = candidate(leaf) {
                names.add(candidate);
            }
        });
        let found = asked.into_iter().filter_map(|(at, beside)| Some((at, names.chosen(&beside)?.to_vec())));
        Self(found.collect())
    }

    /// The owner of the value there.
    pub(crate) fn get(&self, at: At) -> Option<&[u8]> {
        self.0.get(&at).map(Vec::as_slice)
    }
}

/// The login name in a text that a value holds: a JSON text in a string, a form.
pub(crate) fn within(text: &[u8]) -> Option<Vec<u8>> {
    let mut names = Vec::new();
    visit_nested(text, &mut |leaf| names.extend(Candidate::login(&leaf)));
    names.into_iter().min_by_key(|candidate| candidate.rank).map(|candidate| candidate.name)
}

/// What may be an owner.
struct Candidate {
    /// The path of what it stands in.
    parent: String,
    /// How much its name tells; less is more.
    rank: usize,
    name: Vec<u8>,
}

impl Candidate {
    fn login(leaf: &Leaf<'_>) -> Option<Self> {
        if matches!(leaf.kind, LeafKind::JsonKey | LeafKind::PathSegment | LeafKind::Header) {
            return None;
        }
        Self::at(leaf, login_rank(leaf.name.as_deref()?)?)
    }

    fn at(leaf: &Leaf<'_>, rank: usize) -> Option<Self> {
        let value = leaf.value.trim_ascii();
        let is_one = !value.is_empty() && value.len() <= MAX_LOGIN && leaf.kind != LeafKind::MultipartFile;
        is_one.then(|| Self { parent: parent(leaf.path).to_owned(), rank, name: value.to_vec() })
    }
}

/// All that may be owners in one message.
#[derive(Default)]
struct Candidates {
    /// The one that tells most, and of these the first, in each place.
    by_parent: BTreeMap<String, (usize, Vec<u8>)>,
    /// The one that tells most of all; no name if others tell as much.
    best: Option<(usize, Option<Vec<u8>>)>,
}

impl Candidates {
    fn add(&mut self, Candidate { parent, rank, name }: Candidate) {
        match &mut self.best {
            Some((best, _)) if *best < rank => {}
            Some((best, only)) if *best == rank => *only = only.take().filter(|only| *only == name),
            best => *best = Some((rank, Some(name.clone()))),
        }
        let here = self.by_parent.entry(parent).or_insert_with(|| (usize::MAX, Vec::new()));
        if rank < here.0 {
            *here = (rank, name);
        }
    }

    /// The one that stands in the same place, or in the nearest one around it, or the only one that there is.
    fn chosen(&self, beside: &str) -> Option<&[u8]> {
        let around = beside.char_indices().rev().filter(|(_, character)| matches!(character, '/' | ':')).map(|(at, _)| &beside[..=at]);
        let nearest = around.chain([""]).find_map(|parent| self.by_parent.get(parent)).map(|(_, name)| name);
        nearest.or_else(|| self.best.as_ref()?.1.as_ref()).map(Vec::as_slice)
    }
}

/// How much a field's or a column's name tells of a login name, the most first; nothing if it tells none. Of two in one place the one that
/// tells more is the login name, in traffic and in a database alike.
pub fn login_rank(name: &str) -> Option<usize> {
    let bare: String = name.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    LOGIN_NAMES.iter().position(|names| names.contains(&bare.as_str()))
}

/// The path of what a leaf stands in: the object, the form, the query.
fn parent(path: &str) -> &str {
    &path[..path.rfind(['/', ':']).map_or(0, |at| at + 1)]
}

/// Names of fields in which a login name is sent, without separators, by how much they tell.
const LOGIN_NAMES: [&[&str]; 3] = [
    &[
        "username",
        "login",
        "loginname",
        "userlogin",
        "loginid",
        "logonname",
        "uname",
        "usernameoremail",
        "benutzername",
        "anmeldename",
        "nomutilisateur",
        "identifiant",
        "nombreusuario",
        "usuario",
        "nomeusuario",
        "nomeutente",
        "gebruikersnaam",
        "логин",
        "имяпользователя",
        "ユーザー名",
        "用户名",
        "아이디",
        "jusername",
        "userprincipalname",
        "samaccountname",
    ],
    &["email", "emailaddress", "mail", "useremail", "loginemail", "emailid", "correo", "correoelectronico", "courriel"],
    &["user", "userid", "account", "accountname", "identifier", "uid", "phone", "phonenumber", "mobile", "msisdn"],
];
/// No login name is longer.
const MAX_LOGIN: usize = 320;

#[cfg(test)]
mod tests {
    use reenact_formats::content::visit_body;
    use reenact_formats::model::Head;

    use super::*;

    /// The login name that each password in a body gets.
    fn names(content_type: &str, body: &str) -> Vec<Option<String>> {
        let head = Head::request(format!("POST / HTTP/1.1\r\nContent-Type: {content_type}\r\n\r\n").into()).expect("a head");
        let mut passwords = Vec::new();
        visit_body(&head, body.as_bytes(), &mut |leaf| passwords.extend(leaf.value.starts_with(b"pw").then_some((leaf.part, leaf.span.start))));
        let logins = Owners::of_passwords(&passwords, |f| {
            visit_body(&head, body.as_bytes(), &mut |leaf| f(&leaf));
        });
        passwords.iter().map(|at| logins.get(*at).map(|name| String::from_utf8_lossy(name).into_owned())).collect()
    }

    #[test]
    fn the_nearest_login_name_belongs_to_a_password() {
        let json = "application/json";
        for (kind, body, expected) in [
            (json, r#"{"email":"a@b.io","password":"pw1"}"#, &[Some("a@b.io")][..]),
            (json, r#"{"email":"a@b.io","user-name":" ann ","password":"pw1"}"#, &[Some("ann")]),
            (json, r#"[{"login":"ann","pass":"pw1"},{"pass":"pw2","login":"bob"}]"#, &[Some("ann"), Some("bob")]),
            (json, r#"{"login":"ann","new":{"pass":"pw1"}}"#, &[Some("ann")]),
            (json, r#"{"who":{"login":"ann"},"new":{"pass":"pw1"}}"#, &[Some("ann")]),
            (json, r#"{"a":{"login":"ann"},"b":{"login":"bob"},"new":{"pass":"pw1"}}"#, &[None]),
            (json, r#"{"pass":"pw1","n":1,"login":""}"#, &[None]),
            ("application/x-www-form-urlencoded", "grant_type=password&username=ann%40b.io&password=pw1", &[Some("ann@b.io")]),
        ] {
            assert_eq!(names(kind, body), expected.iter().map(|name| name.map(str::to_owned)).collect::<Vec<_>>(), "{body}");
        }
        assert_eq!(within(br#"{"user":"x","email":"a@b.io","password":"p"}"#).as_deref(), Some(&b"a@b.io"[..]));
        assert_eq!(within(b"password only"), None);
    }
    #[test]
    fn many_passwords_take_no_longer_than_they_are_long() {
        let body = |count: usize| {
            let pairs: Vec<String> = (0..count).map(|n| format!(r#"{{"login":"u{n}","password":"pw{n}"}}"#)).collect();
            format!("[{}]", pairs.join(","))
        };
        let found = names("application/json", &body(20_000));
        assert!(found.iter().enumerate().all(|(n, name)| name.as_deref() == Some(&*format!("u{n}"))) && found.len() == 20_000);
    }
}
