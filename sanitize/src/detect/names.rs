//! Telling names: what the name of a header, member, field, parameter, cookie or column says of its value.
//!
//! Names are taken apart into words (case, `-`, `_`, camelCase do not matter) and matched as whole words from their end:
//! `customerEmailAddress` ends in `email address`, `email_verified` does not end in `email`. Never a substring.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use reenact_formats::config::policy::RuleName;

use super::Strength;

/// What a name tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Telling {
    pub(crate) rule: RuleName,
    pub(crate) strength: Strength,
}

/// All that is asked of a name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Meaning {
    pub(crate) telling: Option<Telling>,
    /// Its value is a version, whose numbers look like addresses.
    pub(crate) is_version: bool,
}

/// The names that tell something: built in, and the policy's own.
#[derive(Debug)]
pub(crate) struct Names {
    /// Words without spaces between, lower case. `None` is a name that looks telling and is not.
    phrases: BTreeMap<String, Option<Telling>>,
    /// Traffic has few names and asks for them all the time.
    asked: RwLock<BTreeMap<Box<str>, Meaning>>,
}

impl Names {
    pub(crate) fn new<'a>(extra: impl IntoIterator<Item = (RuleName, &'a str)>) -> Self {
        let mut phrases = BTreeMap::new();
        for (rule, strength, lines) in PHRASES {
            for phrase in lines.split(',') {
                phrases.insert(joined(phrase), Some(Telling { rule: *rule, strength: *strength }));
            }
        }
        for phrase in NOT_TELLING.split(',') {
            phrases.insert(joined(phrase), None);
        }
        for (rule, name) in extra {
            phrases.insert(words(name).concat(), Some(Telling { rule, strength: Strong }));
        }
        Self { phrases, asked: RwLock::default() }
    }

    /// What `name` tells, if anything.
    pub(crate) fn lookup(&self, name: &str) -> Option<Telling> {
        self.meaning(name).telling
    }

    /// All that `name` says.
    pub(crate) fn meaning(&self, name: &str) -> Meaning {
        // A name that is itself a value, and may be redacted, tells nothing: it would tell something else afterwards.
        if name.len() > MAX_NAME || name.contains("--") || name.contains(['@', ':', '/', '+', '=']) {
            return Meaning::default();
        }
        // A lock that is poisoned guards a cache that is still right: nothing is ever half written to it.
        if let Some(meaning) = self.asked.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return *meaning;
        }
        let words = words(name);
        let is_version = words.last().is_some_and(|word| VERSIONS.contains(&word.as_str()));
        let meaning = Meaning { telling: self.of_words(&words), is_version };
        let mut asked = self.asked.write().unwrap_or_else(PoisonError::into_inner);
        if asked.len() < MAX_ASKED {
            asked.insert(name.into(), meaning);
        }
        meaning
    }

    fn of_words(&self, words: &[String]) -> Option<Telling> {
        let mut end = words.len();
        loop {
            for start in 0..end {
                if let Some(telling) = self.phrases.get(&words[start..end].concat()) {
                    return *telling;
                }
            }
            // `password_confirmation`, `email_1`, `phone number value`: the last word says nothing of its own.
            if end < 2 || !(NEUTRAL.contains(&words[end - 1].as_str()) || words[end - 1].bytes().all(|byte| byte.is_ascii_digit())) {
                return None;
            }
            end -= 1;
        }
    }

    /// Whether the words before a bare `name` make it a person's.
    pub(crate) fn is_about_people(parent: &str) -> bool {
        words(parent).iter().any(|word| PEOPLE.contains(&word.as_str()) || word.strip_suffix('s').is_some_and(|word| PEOPLE.contains(&word)))
    }
}

fn joined(phrase: &str) -> String {
    phrase.split_whitespace().collect()
}

/// The words of a name in lower case: `HTTPServerName` is `http server name`, `address2` is `address 2`.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut previous = ' ';
    let mut characters = name.chars().peekable();
    while let Some(character) = characters.next() {
        let next_is_lower = characters.peek().is_some_and(|next| next.is_lowercase());
        if character.is_alphanumeric() {
            let begins = !previous.is_alphanumeric()
                || (character.is_uppercase() && (!previous.is_uppercase() || next_is_lower))
                || character.is_numeric() != previous.is_numeric();
            if begins {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut() {
                word.extend(character.to_lowercase());
            }
        }
        previous = character;
    }
    words
}

use RuleName::{Address, BankAccount, BirthDate, Card, CardSecurity, Email, Iban, NationalId, Password, Person, Phone, Ssn, Token, Username};
use Strength::{Strong, Weak};

/// Phrases by what they tell; commas between them.
const PHRASES: &[(RuleName, Strength, &str)] = &[
    (
        Token,
        Strong,
        "token,access token,refresh token,id token,auth token,api token,bearer token,session token,csrf token,xsrf token,csrf,xsrf,csrf middleware token,\
         authenticity token,request verification token,security token,device token,push token,reset token,verification token,invite token,\
         bearer,jwt,secret,client secret,app secret,api secret,shared secret,webhook secret,signing secret,secret key,secret access key,private key,signing key,\
         encryption key,api key,app key,application key,access key,access key id,account key,auth key,license key,licence key,master key,service key,subscription key,\
         session,session id,sid,sess id,jsession id,jsessionid,php sess id,phpsessid,connect sid,asp session id,authorization,authorisation,credential,credentials,\
         code verifier,activation code,verification code,reset code,confirmation code,recovery code,backup code,invite code,invitation code,access code,\
         auth code,authorization code,device code,user code,login code,security answer,one time code,one time password,otp,totp,otp code,mfa code,two factor code,\
         sms code,pin,pin code,activation key,activation token,login token,magic token,magic link,remember token,remember me,saml response,saml assertion,\
         client assertion,connection string,x api key,pem",
    ),
    (
        Password,
        Strong,
        "password,passwd,pwd,pw,pass,passphrase,passcode,pass word,passwort,kennwort,mot de passe,contrasena,contraseña,senha,wachtwoord,haslo,parola,password hash,passwd hash",
    ),
    (Username, Strong, "username,user name,login name,screen name,user login,nickname,nick name,handle"),
    (Email, Strong, "email,e mail,email address,mail address,e mail address,user email,correo,correo electronico,courriel,epost"),
    (Email, Weak, "from,to,cc,bcc"),
    (Email, Strong, "mail,reply to,recipient,contact,sender"),
    (
        Phone,
        Strong,
        "phone,phone number,telephone,telephone number,tel,mobile,mobile number,mobile phone,cell,cell phone,cellphone,fax,fax number,msisdn,phone no,telefon,telefonnummer,telefono,teléfono,handy,handynummer,celular,whatsapp",
    ),
    (
        Card,
        Strong,
        "card number,card no,cardnumber,credit card,credit card number,debit card,debit card number,cc number,cc num,card num,pan,kreditkarte,kartennummer,numero carte,payment card",
    ),
    (Card, Weak, "card,cc"),
    (
        CardSecurity,
        Strong,
        "cvv,cvc,cvv 2,cvc 2,csc,cvn,cid code,card security code,card verification value,card verification code,card code,security code,pin block,track,track data,track 1,track 2,track 1 data,track 2 data,magstripe",
    ),
    (Iban, Strong, "iban,iban number"),
    (BankAccount, Strong, "account number,bank account,bank account number,kontonummer,routing number,acct number,account no,acct no"),
    (Ssn, Strong, "ssn,social security number,social security,social security no,us ssn"),
    (
        NationalId,
        Strong,
        "national id,national id number,national insurance number,nino,tax id,tax number,taxpayer id,tin,itin,passport,passport number,passport no,driver license,drivers license,driving licence,driver licence,license number,\
         licence number,identity number,id number,id card number,steuer id,steuernummer,personnummer,aadhaar,aadhar,cpf,cnpj,curp,dni,nie,nif,bsn,pesel,nhs number,medicare,medicare number,medical record number,mrn,health insurance number",
    ),
    (
        Person,
        Strong,
        "first name,last name,full name,given name,family name,surname,middle name,maiden name,display name,customer name,patient name,employee name,contact name,recipient name,\
         sender name,billing name,shipping name,card holder,card holder name,cardholder,cardholder name,account holder,account holder name,holder name,owner name,fname,lname,first names,last names,\
         vorname,nachname,prenom,prénom,nom de famille,apellido,apellidos,cognome,nombre completo,legal name,real name,person name,user full name,signatory",
    ),
    (
        Person,
        Weak,
        "name,nom,nombre,nome,patient,customer,recipient,holder,owner,consignee,addressee,passenger,beneficiary,payee,applicant,guest,author,cliente,kunde",
    ),
    (
        Address,
        Strong,
        "street,street address,street name,address line,address line 1,address line 2,address 1,address 2,addr line,home address,postal address,mailing address,billing address,\
         shipping address,delivery address,residential address,billing street,shipping street,strasse,straße,hausnummer,house number,direccion,dirección,adresse,indirizzo,endereco,endereço",
    ),
    (Address, Weak, "address,addr"),
    (
        BirthDate,
        Strong,
        "dob,date of birth,birth date,birthdate,birthday,birth day,geburtsdatum,geburtstag,date de naissance,fecha de nacimiento,data di nascita,data de nascimento,born,birth dt",
    ),
    (Token, Weak, "key,code,auth,sig,signature,hmac,state,ticket,nonce,assertion"),
];

/// These end in a telling word and tell nothing.
const NOT_TELLING: &str = "public key,primary key,foreign key,sort key,idempotency key,cache key,partition key,object key,row key,translation key,map key,routing key,\
    next token,next page token,page token,continuation token,cursor token,country code,status code,error code,zip code,post code,postal code,postcode,promo code,\
    currency code,product code,discount code,coupon code,language code,lang code,response code,ref code,reference code,color code,colour code,area code,qr code,bar code,barcode,\
    source code,exit code,sort code,item code,sku code,region code,state code,city code,reason code,result code,return code,tracking code,dial code,key code,service code,\
    mac address,ip address,ipv 4 address,ipv 6 address,bind address,wallet address,server address,host address,remote address,web address,url address,remote addr,client addr,\
    card token type,public token,e tag,user agent";

/// Words at the end of a name that do not change what the words before them tell.
const NEUTRAL: &[&str] = &[
    "value",
    "val",
    "number",
    "no",
    "num",
    "nr",
    "string",
    "text",
    "field",
    "header",
    "raw",
    "plain",
    "old",
    "new",
    "current",
    "confirmation",
    "confirm",
    "again",
    "repeat",
    "repeated",
    "primary",
    "secondary",
    "main",
    "work",
    "home",
    "private",
    "business",
    "other",
    "alt",
    "alternate",
    "input",
    "param",
];

/// What a bare `name` is a person's name beside.
const PEOPLE: &[&str] = &[
    "customer",
    "user",
    "person",
    "people",
    "contact",
    "billing",
    "shipping",
    "recipient",
    "patient",
    "employee",
    "owner",
    "holder",
    "member",
    "client",
    "guest",
    "passenger",
    "traveler",
    "traveller",
    "author",
    "sender",
    "buyer",
    "seller",
    "applicant",
    "student",
    "teacher",
    "subscriber",
    "beneficiary",
    "payer",
    "payee",
    "cardholder",
    "profile",
    "attendee",
    "consignee",
    "addressee",
    "participant",
    "signer",
    "driver",
    "tenant",
    "lead",
    "kunde",
    "cliente",
];

const VERSIONS: &[&str] = &["version", "ver", "build", "release", "revision"];
/// More names than an API has.
const MAX_ASKED: usize = 16_384;
/// No field has a longer name that means something.
const MAX_NAME: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        for (name, expected) in [
            ("customerEmailAddress", "customer email address"),
            ("X-API-Key", "x api key"),
            ("APIKey", "api key"),
            ("cvv2", "cvv 2"),
            ("card[number]", "card number"),
            ("straßeName", "straße name"),
            ("", ""),
        ] {
            assert_eq!(words(name).join(" "), expected, "{name}");
        }
    }

    #[test]
    fn whole_words_tell() {
        let names = Names::new([(Token, "x-tenant-ticket-ref")]);
        for (name, expected) in [
            ("password", Some(Password)),
            ("userPassword", Some(Password)),
            ("password_confirmation", Some(Password)),
            ("X-Api-Key", Some(Token)),
            ("apikey", Some(Token)),
            ("PHPSESSID", Some(Token)),
            ("connect.sid", Some(Token)),
            ("activationCode", Some(Token)),
            ("x_tenant_ticket_ref", Some(Token)),
            ("customer_email", Some(Email)),
            ("email_verified", None),
            ("passwordResetRequired", None),
            ("public_key", None),
            ("country_code", None),
            ("republic", None),
            ("tokenization", None),
            ("token_type", None),
            ("phoneNumber", Some(Phone)),
            ("mobile_phone_2", Some(Phone)),
            ("card_number", Some(Card)),
            ("cvv2", Some(CardSecurity)),
            ("first-name", Some(Person)),
            ("address_line1", Some(Address)),
            ("client_ip", None),
            ("order_id", None),
            ("birthDate4", Some(BirthDate)),
        ] {
            assert_eq!(names.lookup(name).map(|telling| telling.rule), expected, "{name}");
        }
    }

    #[test]
    fn a_bare_name_is_a_persons_beside_people() {
        assert!(Names::is_about_people("customer") && Names::is_about_people("shippingContact") && Names::is_about_people("users"));
        assert!(!Names::is_about_people("product") && !Names::is_about_people(""));
    }
}
