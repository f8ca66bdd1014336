//! Each check against numbers that its authority or its standard prints, against all other check digits, and against random numbers.

use super::*;

/// Without separators, in upper case.
fn bare(text: &str) -> Vec<u8> {
    text.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_uppercase()).collect()
}

fn check(name: &str) -> Check {
    by_name(name).unwrap_or_else(|| panic!("no check {name}"))
}

/// Numbers that are printed as examples, or that tests of the systems that take them use.
pub(crate) const EXAMPLES: &[(&str, &[&str])] = &[
    ("us_ssn", &["078-05-1120", "219-09-9999", "899-99-9999"]),
    ("us_itin", &["900-70-0000", "912-90-3456", "999-99-9999"]),
    ("us_ein", &["01-0000001", "91-1144442", "20-2938200"]),
    ("ca_sin", &["123-456-782", "193 456 787"]),
    ("mx_curp", &["BOXW310820HNERXN09", "HEGG560427MVZRRL04"]),
    ("mx_rfc", &["GODE561231GR8", "MAB9307148T4"]),
    ("mx_clabe", &["032180000118359719", "002010077777777771"]),
    ("br_cpf", &["390.533.447-05", "529.982.247-25"]),
    ("br_cnpj", &["16.727.230/0001-97", "12.ABC.345/01DE-35"]),
    ("br_cnpj_head", &["16727230000197"]),
    ("br_pis", &["120.64471.69-5"]),
    ("ar_cuit", &["20-05536168-2", "20-26756539-3"]),
    ("cl_rut", &["76086428-5", "12.531.909-2", "10.000.013-K"]),
    ("co_nit", &["213.123.432-1", "860.002.964-4"]),
    ("ec_cedula", &["171430710-3"]),
    ("do_cedula", &["001-1391820-5"]),
    ("pe_ruc", &["20512333797"]),
    ("uk_nino", &["AB123456C", "RH 24 87 94 C", "JG 12 13 16 A"]),
    ("uk_utr", &["1955839661"]),
    ("ie_pps", &["6433435F", "6433435OA", "6433435IH", "1234567T", "1234567FA"]),
    ("de_steuer_id", &["36 574 261 809", "86095742719", "47036892816", "65929970489"]),
    ("de_rvnr", &["15070649C103", "65180539W001"]),
    ("de_kvnr", &["A123456780"]),
    ("fr_nir", &["2 95 10 99 126 111 93", "2 53 07 2B 073 004 70", "1 84 12 2A 451 020 05"]),
    ("fr_spi", &["3023217600053"]),
    ("nl_bsn", &["111222333", "123456782"]),
    ("be_nrn", &["85.07.30-033 28", "17.07.30-033 84"]),
    ("be_enterprise", &["0403.019.261", "0428.759.497"]),
    ("lu_matricule", &["1990051512382"]),
    ("ch_ahv", &["756.9217.0769.85", "756.1234.5678.97"]),
    ("ch_uid", &["CHE-100.155.212", "CHE-123.456.788"]),
    ("at_svnr", &["1237 010180"]),
    ("es_dni", &["12345678Z", "54362315K", "K0867756N"]),
    ("es_nie", &["X2482300W", "X1234567L", "Z7788990E"]),
    ("es_nuss", &["28 12345678 40"]),
    ("es_cif", &["A58818501", "B64717838", "J99216582"]),
    ("it_codice_fiscale", &["RCCMNL83S18D969H", "MRTMTT25D09F205Z", "RCCMNL83S18D96VW"]),
    ("it_partita_iva", &["00743110157", "00159560366"]),
    ("pt_nif", &["501964843", "123456789"]),
    ("pt_cc", &["000000000ZZ4"]),
    ("gr_amka", &["01013099997"]),
    ("gr_afm", &["094259216", "090000045"]),
    ("hr_oib", &["33392005961", "69435151530"]),
    ("jmbg", &["0101006500006"]),
    ("tr_tckn", &["17291716060", "10000000146"]),
    ("il_id", &["039337423", "000000018"]),
    ("se_personnummer", &["880320-0016", "811228-9874", "19811228-9874", "640327-3813", "701063-2391"]),
    ("fi_hetu", &["131052-308T", "131052A308T", "010594Y9032", "010594-903 2"]),
    ("dk_cpr_checked", &["211062-5629", "070761-4285"]),
    ("dk_cpr", &["211062-0000"]),
    ("no_fodselsnummer", &["151086 95088", "01010750160", "410190 12555"]),
    ("is_kennitala", &["450401-3150", "120174-3399"]),
    ("baltic_code", &["36805280109", "33309240064", "37605030299"]),
    ("lv_personas_kods", &["161175-19997", "32-867300679"]),
    ("pl_pesel", &["44051401359", "44051401458"]),
    ("pl_nip", &["856-734-62-15", "123-456-32-18"]),
    ("pl_regon", &["192598184", "123456785", "12345678512347"]),
    ("pl_id_card", &["ABA300000", "AAB123456"]),
    ("cz_rodne_cislo", &["710319/2745", "640823/8353", "955325 6317"]),
    ("ro_cnp", &["1630615123457", "1800101221144"]),
    ("bg_egn", &["7501020018"]),
    ("hu_taj", &["111 111 110"]),
    ("hu_tax", &["8071592153"]),
    ("ua_rnokpp", &["1759013776"]),
    ("ru_inn", &["500100732259", "7707083893"]),
    ("ru_snils", &["112-233-445 95"]),
    ("in_aadhaar", &["2341 2341 2346", "9999 4105 7058"]),
    ("in_pan", &["ACUPA7085R", "ABCPE1234F"]),
    ("in_gstin", &["27AAPFU0939F1ZV", "27AAPFU0939F1Z V"]),
    ("cn_resident_id", &["11010519491231002X", "440308199901101512", "11010119900307803X"]),
    ("jp_my_number", &["1234 5678 9018"]),
    ("kr_rrn", &["900101-5066907", "201101-3000007"]),
    ("kr_brn", &["116-82-00276", "120-81-47521"]),
    ("tw_id", &["A123456789", "A800000014"]),
    ("hk_id", &["A123456(3)", "G123456(A)", "AB987654(3)", "C123456(9)"]),
    ("sg_nric", &["S1234567D", "S0000001I", "T0000001E", "F1234567N", "M1234567K"]),
    ("my_kad", &["770305-02-1234"]),
    ("th_id", &["3100600445635"]),
    ("id_nik", &["3204110609970001"]),
    ("pk_cnic", &["54400-0246318-7"]),
    ("ir_code", &["0499370899", "0790419904"]),
    ("za_id", &["7503305044089", "800101 5009 087"]),
    ("eg_id", &["29501023201952"]),
    ("au_tfn", &["123 456 782", "876 543 210"]),
    ("au_abn", &["83 914 571 673", "51 824 753 556"]),
    ("au_acn", &["004 085 616", "000 000 019"]),
    ("au_medicare", &["2123 45670 1"]),
    ("nz_ird", &["49-091-850", "136-410-132", "49-098-576"]),
    ("nz_nhi", &["ZZZ0016", "ZAC5361", "ALU18KZ", "ZBN77VL"]),
    ("uk_nhs", &["943 476 5919", "987 654 3210"]),
    ("us_npi", &["1234567893", "1245319599"]),
    ("us_dea", &["AB1234563", "F91234563"]),
    ("us_mbi", &["1EG4-TE5-MK73", "1EG4TE5MK72"]),
    ("us_aba", &["111000025", "021000021", "122105155"]),
    ("bic", &["DEUTDEFF", "NEDSZAJJXXX", "UNCRITMMXXX"]),
    ("bic_long", &["NEDSZAJJXXX", "DEUTDEFF500"]),
    ("iban", &["GB29NWBK60161331926819", "DE89370400440532013000", "FR1420041010050500013M02606", "NO9386011117947", "MT84MALT011000012345MTLCAST001S"]),
    ("sepa_creditor", &["DE98ZZZ09999999999", "AT61ZZZ01234567890"]),
    (
        "card",
        &[
            "4111 1111 1111 1111",
            "5555555555554444",
            "2223003122003222",
            "378282246310005",
            "6011111111111117",
            "30569309025904",
            "3530111333300000",
            "4222222222222",
        ],
    ),
    ("card", &["2200 0000 0000 0004", "6200 0000 0000 0005", "6759649826438453", "5067 3100 0000 0010", "6062 8267 8627 6634"]),
    ("imei", &["490154203237518", "35-209900-176148-1"]),
    ("imei_unnamed", &["352099001761481"]),
    ("iccid", &["8910042348144559361"]),
    ("imsi", &["310150123456789"]),
    ("mac", &["00:1A:2B:3C:4D:5E", "02-00-5e-10-00-00-00-01"]),
    ("vin", &["1M8GDM9AXKP042788", "1HGCM82633A004352"]),
    ("icao_document", &["T220001293", "L01X00T471"]),
];

#[test]
fn published_examples_are_accepted() {
    let mut wrong = Vec::new();
    for (name, examples) in EXAMPLES {
        wrong.extend(examples.iter().filter(|example| !check(name)(&bare(example))).map(|example| format!("{name} {example}")));
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Bodies, `?` for the character that checks it, and the characters that it may be.
const CHECKED: &[(&str, &str, &str)] = &[
    ("luhn", "####?", DIGITS),
    ("verhoeff", "####?", DIGITS),
    ("card", "411111111####11?", DIGITS),
    ("ca_sin", "1###5678?", DIGITS),
    ("mx_clabe", "032180000####5971?", DIGITS),
    ("br_pis", "12####4716?", DIGITS),
    ("cl_rut", "12####45?", "0123456789K"),
    ("co_nit", "8####2964?", DIGITS),
    ("uy_ci", "12####3?", DIGITS),
    ("do_cedula", "001####820?", DIGITS),
    ("uk_utr", "?95####661", DIGITS),
    ("ie_pps", "64###35?", LETTERS),
    ("de_rvnr", "15070649C##?", DIGITS),
    ("de_kvnr", "A12####78?", DIGITS),
    ("ch_ahv", "7561####5678?", DIGITS),
    ("es_dni", "12####78?", LETTERS),
    ("es_nie", "Y12##567?", LETTERS),
    ("it_codice_fiscale", "RCCMNL83S18D##9?", LETTERS),
    ("pt_nif", "50####84?", DIGITS),
    ("gr_amka", "010130####?", DIGITS),
    ("gr_afm", "09##5921?", DIGITS),
    ("hr_oib", "3339####96?", DIGITS),
    ("il_id", "0393####?", DIGITS),
    ("se_personnummer", "811228###?", DIGITS),
    ("fi_hetu", "131052###?", "0123456789ABCDEFHJKLMNPRSTUVWXY"),
    ("baltic_code", "3680528###?", DIGITS),
    ("pl_pesel", "440514####?", DIGITS),
    ("pl_regon", "19####18?", DIGITS),
    ("pl_id_card", "ABA?#####", DIGITS),
    ("bg_egn", "750102###?", DIGITS),
    ("hu_taj", "1111####?", DIGITS),
    ("ua_rnokpp", "1759####7?", DIGITS),
    ("in_aadhaar", "2341234####?", DIGITS),
    ("in_gstin", "27AAPFU####F1Z?", ALPHANUMERICS),
    ("cn_resident_id", "11010519491231###?", "0123456789X"),
    ("jp_my_number", "1234567####?", DIGITS),
    ("kr_rrn", "8005051####2?", DIGITS),
    ("kr_brn", "1168####7?", DIGITS),
    ("tw_id", "A12####78?", DIGITS),
    ("hk_id", "A1####6?", "0123456789A"),
    ("sg_nric", "S12####7?", LETTERS),
    ("sg_nric", "M12####7?", LETTERS),
    ("th_id", "31006####563?", DIGITS),
    ("ir_code", "04993####?", DIGITS),
    ("sa_id", "1012####7?", DIGITS),
    ("ae_id", "7841979123####?", DIGITS),
    ("au_acn", "0040####?", DIGITS),
    ("us_npi", "12345####?", DIGITS),
    ("us_dea", "AB123###?", DIGITS),
    ("us_aba", "1110####?", DIGITS),
    ("imei", "49015420####51?", DIGITS),
    ("vin", "1M8GDM9A?KP04####", "0123456789X"),
    ("icao_document", "L8##902C3?", DIGITS),
];

const DIGITS: &str = "0123456789";
const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const ALPHANUMERICS: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// `template` with the digits of `number` for `#` and `check` for `?`.
fn filled(template: &str, number: usize, check: char) -> Vec<u8> {
    let count = template.matches('#').count();
    let digits = format!("{number:0count$}");
    let mut digits = digits.chars();
    template
        .chars()
        .map(|character| match character {
            '#' => digits.next().expect("as many as there are"),
            '?' => check,
            other => other,
        })
        .map(|character| character as u8)
        .collect()
}

/// Every body has one check character, none or two where a standard gives out no number; never more.
#[test]
fn one_check_character_fits_each_body() {
    for (name, template, alphabet) in CHECKED {
        let (check, bodies) = (check(name), 10_usize.pow(template.matches('#').count() as u32));
        let fitting: Vec<usize> = (0..bodies).map(|number| alphabet.chars().filter(|last| check(&filled(template, number, *last))).count()).collect();
        assert!(fitting.iter().all(|count| *count <= 1), "{name}: two check characters");
        let without = fitting.iter().filter(|count| **count == 0).count();
        // What is over one character, a serial of zero, an area that is not given out.
        assert!(without * 100 <= bodies * MOST_WITHOUT, "{name}: {without} of {bodies} have none");
    }
}

/// In hundredths: modulus 11 without a sign for ten.
const MOST_WITHOUT: usize = 10;

#[test]
fn every_area_group_and_serial_of_a_social_security_number_is_known() {
    let accepted = |template: &str| (0..10_usize.pow(template.matches('#').count() as u32)).filter(|number| is_ssn(&filled(template, *number, '0'))).count();
    assert_eq!((accepted("12345####"), accepted("###120001"), accepted("123##4567")), (9_999, 898, 99));
    assert_eq!((0..100).filter(|group| check("us_itin")(&filled("912##3456", *group, '0'))).count(), 16 + 19 + 3 + 6);
}

#[test]
fn cards_have_their_networks_lengths() {
    for (card, expected) in [
        ("4111111111111111", true),
        ("411111111111111", false),
        ("4111111111111112", false),
        ("1640965287349", false),
        ("0000000000000000", false),
        ("1234567890123452", false),
        ("349999999999991", true),
        ("6759649826438453", true),
    ] {
        assert_eq!(is_card(&bare(card)), expected, "{card}");
        let values: Vec<u8> = bare(card).iter().map(|byte| byte - b'0').collect();
        assert_eq!(is_card(&values), expected, "{card} as values");
    }
    // A carton's number that passes Luhn's test by chance is a card's only by name.
    let (is_card, is_telling) = (check("card"), check("card_unnamed"));
    let both: Vec<usize> = (0..10_000).filter(|number| is_card(&filled("3056930902####", *number, '0'))).collect();
    let telling = both.iter().filter(|number| is_telling(&filled("3056930902####", **number, '0'))).count();
    assert_eq!((both.len(), telling), (1000, 900));
}

#[test]
fn ibans_are_told_by_country_length_and_remainder() {
    for (name, examples) in EXAMPLES.iter().filter(|(name, _)| *name == "iban") {
        assert!(examples.iter().all(|iban| iban_check_digits(iban.as_bytes()) == iban.as_bytes()[2..4]), "{name}");
    }
    for other in ["DE00090026310316070601", "DE8937040044053201300", "XX89370400440532013000", "GB", "DE8937040044053201300a", ""] {
        assert!(!is_iban(other.as_bytes()), "{other}");
    }
}

#[test]
fn addresses_of_currencies_keep_their_case() {
    let (bitcoin, any) = (check("btc_address"), check("crypto_address"));
    for address in [
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
    ] {
        assert!(bitcoin(address.as_bytes()) && any(address.as_bytes()), "{address}");
        let mut other = address.as_bytes().to_vec();
        other[20] = if other[20] == b'q' { b'p' } else { b'q' };
        assert!(!any(&other), "{address} changed");
    }
    for address in ["0x52908400098527886E0F7030069857D2E4169EE7", "LM2WMpR1Rp6j3Sa59cMXMs1SPzj9eXpGc1", "TJRabPrwbZy45sbavfcjinPJC18kjpRTv8"] {
        assert!(any(address.as_bytes()) && !bitcoin(address.as_bytes()), "{address}");
    }
    for other in ["0x0000000000000000000000000000000000000000", "0x5290840009852788", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "bc1", ""] {
        assert!(!any(other.as_bytes()), "{other}");
    }
}

#[test]
fn lines_of_travel_documents_carry_their_checks() {
    let is_mrz = check("mrz");
    assert!(is_mrz(b"L898902C36UTO7408122F1204159ZE184226B<<<<<10") && is_mrz(b"D231458907UTO7408122F1204159<<<<<<<6"));
    assert!(is_mrz(b"7408122F1204159UTO<<<<<<<<<<<6"));
    assert!(!is_mrz(b"L898902C36UTO7408123F1204159ZE184226B<<<<<10") && !is_mrz(b"L898902C36UTO7408122F1204159") && !is_mrz(b""));
}

/// Bytes of any kind and any length: an answer, no panic.
#[test]
fn anything_may_be_asked() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for (name, check) in CHECKS {
        for length in 0..64_usize {
            for alphabet in [&b"0"[..], b"0123456789", b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"\x00\xff<9AZaz", b"9", b"Z"] {
                let bytes: Vec<u8> = (0..length).map(|_| alphabet[random() as usize % alphabet.len()]).collect();
                let answer = check(&bytes);
                assert!(length > 0 || !answer, "{name} takes nothing for one");
            }
        }
    }
}
