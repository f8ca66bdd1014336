//! Check digits and number plans: what tells an identifier from any number. A family a file, a short function a kind.
//!
//! In: a bare value: ASCII, letters in upper case, separators taken out. Out: whether it can be one of its kind, by length, alphabet,
//! check digits, embedded dates and ranges that are given out. Nothing here looks at a name or at what stands around a value, and no
//! value leaves: a check answers yes or no. Every function takes any bytes and reads each a fixed number of times.

mod africa;
mod americas;
mod asia;
mod bank;
mod card;
mod crypto;
mod date;
mod device;
mod document;
mod eastern;
mod health;
mod iban;
mod iso7064;
mod luhn;
mod north_america;
mod northern;
mod oceania;
mod southern;
mod verhoeff;
mod western;

pub(crate) use card::is_card;
pub(crate) use crypto::is_address as is_crypto_address;
pub(crate) use document::is_mrz;
pub(crate) use iban::{iban_check_digits, iban_length, is_creditor_id, is_iban};
pub(crate) use luhn::luhn_digit;
pub(crate) use north_america::is_ssn;

/// Whether a bare value can be one of its kind.
pub(crate) type Check = fn(&[u8]) -> bool;

/// The check that a rule pack names.
pub(crate) fn by_name(name: &str) -> Option<Check> {
    CHECKS.iter().find(|(known, _)| *known == name).map(|(_, check)| *check)
}

/// The value of a digit, in ASCII or as it is.
fn digit(byte: u8) -> u32 {
    u32::from(byte & 0x0f)
}

/// The number that digits say; at most nineteen of them.
fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0_u64, |number, byte| number.wrapping_mul(10).wrapping_add(u64::from(digit(*byte))))
}

/// The sum of digits, each multiplied by the weight at its position.
fn weighted(digits: &[u8], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(byte, weight)| digit(*byte) * weight).sum()
}

/// The last digit.
fn last(digits: &[u8]) -> u32 {
    digits.last().map_or(0, |byte| digit(*byte))
}

/// Whether there are `count` bytes and all of them are digits.
fn are_digits(bare: &[u8], count: usize) -> bool {
    bare.len() == count && bare.iter().all(u8::is_ascii_digit)
}

/// Whether a value is one character over and over: what forms are filled with, and what many a check accepts.
fn is_repeated(bare: &[u8]) -> bool {
    bare.iter().all(|byte| *byte == bare[0])
}

/// Whether there is a digit: the form has told the rest.
fn is_shape(bare: &[u8]) -> bool {
    bare.iter().any(u8::is_ascii_digit)
}

/// A number without its country before it, as in `IT00743110157`: taxpayers of the union write it so or so.
fn national<'a>(bare: &'a [u8], country: &[u8]) -> &'a [u8] {
    bare.strip_prefix(country).unwrap_or(bare)
}

/// The value of a letter or digit where letters follow the digits: 0 to 35.
fn base36(byte: u8) -> u32 {
    match byte {
        b'A'..=b'Z' => u32::from(byte - b'A') + 10,
        _ => digit(byte),
    }
}

/// By the names that rule packs call them.
const CHECKS: &[(&str, Check)] = &[
    ("luhn", luhn::is_luhn),
    ("verhoeff", verhoeff::is_verhoeff),
    // Finance.
    ("card", is_card),
    ("card_unnamed", card::is_telling_card),
    ("iban", is_iban),
    ("sepa_creditor", is_creditor_id),
    ("bic", bank::is_bic),
    ("bic_long", bank::is_long_bic),
    ("us_aba", bank::is_aba),
    ("mx_clabe", bank::is_clabe),
    ("btc_address", crypto::is_bitcoin),
    ("crypto_address", is_crypto_address),
    // North America.
    ("us_ssn", is_ssn),
    ("us_itin", north_america::is_itin),
    ("us_ein", north_america::is_ein),
    ("ca_sin", north_america::is_sin),
    ("mx_curp", north_america::is_curp),
    ("mx_rfc", north_america::is_rfc),
    // South America and the Caribbean.
    ("br_cpf", americas::is_cpf),
    ("br_cnpj", americas::is_cnpj),
    ("br_cnpj_head", americas::is_head_office),
    ("br_pis", americas::is_pis),
    ("ar_cuit", americas::is_cuit),
    ("cl_rut", americas::is_rut),
    ("cl_rut_unnamed", americas::is_telling_rut),
    ("co_nit", americas::is_nit),
    ("ec_cedula", americas::is_ecuadorian),
    ("uy_ci", americas::is_uruguayan),
    ("do_cedula", americas::is_dominican),
    ("pe_ruc", americas::is_ruc),
    // Western Europe.
    ("uk_nino", western::is_nino),
    ("uk_utr", western::is_utr),
    ("ie_pps", western::is_pps),
    ("de_steuer_id", western::is_steuer_id),
    ("de_rvnr", western::is_rvnr),
    ("de_kvnr", western::is_kvnr),
    ("fr_nir", western::is_nir),
    ("fr_nir_unnamed", western::is_telling_nir),
    ("fr_spi", western::is_spi),
    ("nl_bsn", western::is_bsn),
    ("be_nrn", western::is_belgian),
    ("be_enterprise", western::is_belgian_enterprise),
    ("lu_matricule", western::is_luxembourgish),
    ("ch_ahv", western::is_ahv),
    ("ch_uid", western::is_uid),
    ("at_svnr", western::is_svnr),
    // Southern Europe.
    ("es_dni", southern::is_dni),
    ("es_nie", southern::is_nie),
    ("es_nuss", southern::is_nuss),
    ("es_cif", southern::is_cif),
    ("it_codice_fiscale", southern::is_codice_fiscale),
    ("it_partita_iva", southern::is_partita_iva),
    ("pt_nif", southern::is_nif),
    ("pt_niss", southern::is_niss),
    ("pt_cc", southern::is_cartao_cidadao),
    ("gr_amka", southern::is_amka),
    ("gr_afm", southern::is_afm),
    ("hr_oib", southern::is_oib),
    ("jmbg", southern::is_jmbg),
    ("tr_tckn", southern::is_tckn),
    ("il_id", southern::is_israeli),
    // Northern Europe.
    ("se_personnummer", northern::is_personnummer),
    ("fi_hetu", northern::is_hetu),
    ("dk_cpr", northern::is_cpr),
    ("dk_cpr_checked", northern::is_checked_cpr),
    ("no_fodselsnummer", northern::is_fodselsnummer),
    ("is_kennitala", northern::is_kennitala),
    ("baltic_code", northern::is_baltic),
    ("lv_personas_kods", northern::is_latvian),
    // Eastern Europe.
    ("pl_pesel", eastern::is_pesel),
    ("pl_nip", eastern::is_nip),
    ("pl_regon", eastern::is_regon),
    ("pl_id_card", eastern::is_polish_card),
    ("cz_rodne_cislo", eastern::is_rodne_cislo),
    ("ro_cnp", eastern::is_cnp),
    ("bg_egn", eastern::is_egn),
    ("hu_taj", eastern::is_taj),
    ("hu_tax", eastern::is_hungarian_tax),
    ("hu_personal", eastern::is_hungarian),
    ("ua_rnokpp", eastern::is_rnokpp),
    ("ru_inn", eastern::is_inn),
    ("ru_snils", eastern::is_snils),
    ("kz_iin", eastern::is_iin),
    // Asia.
    ("in_aadhaar", asia::is_aadhaar),
    ("in_pan", asia::is_indian_pan),
    ("in_gstin", asia::is_gstin),
    ("cn_resident_id", asia::is_resident_id),
    ("jp_my_number", asia::is_my_number),
    ("kr_rrn", asia::is_rrn),
    ("kr_brn", asia::is_brn),
    ("tw_id", asia::is_taiwanese),
    ("hk_id", asia::is_hkid),
    ("sg_nric", asia::is_nric),
    ("my_kad", asia::is_mykad),
    ("th_id", asia::is_thai),
    ("id_nik", asia::is_nik),
    ("pk_cnic", asia::is_cnic),
    ("ir_code", asia::is_iranian),
    ("ae_id", asia::is_emirati),
    ("sa_id", asia::is_saudi),
    // Africa.
    ("za_id", africa::is_south_african),
    ("eg_id", africa::is_egyptian),
    // Oceania.
    ("au_tfn", oceania::is_tfn),
    ("au_medicare", oceania::is_medicare),
    ("au_abn", oceania::is_abn),
    ("au_acn", oceania::is_acn),
    ("nz_ird", oceania::is_ird),
    ("nz_nhi", oceania::is_nhi),
    // Health.
    ("uk_nhs", health::is_nhs),
    ("us_npi", health::is_npi),
    ("us_dea", health::is_dea),
    ("us_mbi", health::is_mbi),
    // Devices and vehicles.
    ("imei", device::is_imei),
    ("imei_unnamed", device::is_telling_imei),
    ("iccid", device::is_iccid),
    ("imsi", device::is_imsi),
    ("mac", device::is_mac),
    ("vin", device::is_vin),
    // Documents.
    ("icao_document", document::is_document_number),
    ("mrz", is_mrz),
    // A form that says it all by itself.
    ("shape", is_shape),
];

#[cfg(test)]
pub(crate) mod tests;
