//! Numbers that states, banks, insurers and makers know people and things by: the pseudonym passes every check that the original passes.
//!
//! What a number is follows from the number alone, never from the rule that found it: so it has one pseudonym under any name. A *form*
//! says what each place is: kept, free, a date, or a check to be searched for. Free places are permuted, dates are shifted, and of the
//! values of the checked places that pass the one with the original's rank is taken; where there are too few, the walk goes on. Each step is
//! one to one among the numbers that pass the same checks, and so is the whole.

use std::sync::LazyLock;

use super::calendar::{before_in_century, before_in_range, is_day};
use super::prf::Prf;
use crate::detect::check::{self, Check};

/// Another number that passes the checks that `bare` passes: letters in upper case and digits, without separators. `None` if it passes none.
pub(super) fn remade(prf: &Prf, bare: &[u8]) -> Option<Vec<u8>> {
    let kinds = KINDS.get(bare.len())?;
    let told = Told::of(kinds, bare);
    let first = kinds.get(*told.kinds.first()?)?;
    let form = first.forms.iter().find(|form| form.fits(bare))?;
    // The last free digits are searched with the checks where several must hold at once.
    let checked = told.kinds.iter().filter(|kind| !kinds[**kind].is_range).count();
    let more = checked.saturating_sub(1).min(MAX_SEARCHED.saturating_sub(form.checked.len()));
    let mut searched: Vec<usize> = form.free.iter().rev().copied().filter(|place| bare[*place].is_ascii_digit()).take(more).collect();
    searched.reverse();
    let free: Vec<usize> = form.free.iter().copied().filter(|place| !searched.contains(place)).collect();
    searched.extend(&form.checked);

    let rank = of_class(kinds, &told, bare, &searched).position(|values| searched.iter().zip(values).all(|(place, value)| bare[*place] == value))?;
    let kept: String = form.kept.iter().map(|place| char::from(bare[*place])).collect();
    let label = format!("identity {:?} {kept} {rank}", told.kinds);
    let mut made = bare.to_vec();
    for _ in 0..MAX_STEPS {
        let date = form.date.as_ref().map(|date| date.digits(&made)).unwrap_or_default();
        permute(prf, &format!("{label} {date}"), &mut made, &free);
        if let Some(date) = &form.date {
            date.shift(&mut made, prf.days);
        }
        if let Some(values) = of_class(kinds, &told, &made, &searched).nth(rank) {
            searched.iter().zip(values).for_each(|(place, value)| made[*place] = value);
            return Some(made);
        }
    }
    None
}

/// What a number is told to be: the first checks that it passes, and whether it begins with a zero.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    kinds: Vec<usize>,
    has_zero: bool,
}

impl Told {
    fn of(kinds: &[Kind], bare: &[u8]) -> Self {
        let passes = |kind: &Kind| (kind.check)(bare) && kind.forms.iter().any(|form| form.fits(bare));
        let mut checked = 0;
        let told = kinds.iter().enumerate().filter(|(_, kind)| {
            // Those without a check digit are ranges, in which most numbers are.
            let counts = kind.is_range || checked < MAX_TOLD;
            let passes = counts && passes(kind);
            checked += usize::from(passes && !kind.is_range);
            passes
        });
        Self { kinds: told.map(|(at, _)| at).collect(), has_zero: bare[0] == b'0' }
    }
}

/// The values of the searched places, in order, with which a number is told to be the same.
fn of_class<'a>(kinds: &'a [Kind], told: &'a Told, bare: &[u8], searched: &'a [usize]) -> impl Iterator<Item = Vec<u8>> + use<'a> {
    let spans: Vec<(u8, u32)> = searched.iter().map(|place| if bare[*place].is_ascii_digit() { (b'0', 10) } else { (b'A', 26) }).collect();
    let count: u32 = spans.iter().map(|(_, radix)| radix).product();
    let mut number = bare.to_vec();
    (0..count).filter_map(move |index| {
        let mut rest = index;
        for (place, (zero, radix)) in searched.iter().zip(&spans).rev() {
            number[*place] = zero + (rest % radix) as u8;
            rest /= radix;
        }
        let passes = told.kinds.iter().all(|kind| (kinds[*kind].check)(&number)) && Told::of(kinds, &number) == *told;
        passes.then(|| searched.iter().map(|place| number[*place]).collect())
    })
}

fn permute(prf: &Prf, tweak: &str, number: &mut [u8], places: &[usize]) {
    let values: Vec<(u8, u8)> =
        places.iter().map(|place| if number[*place].is_ascii_digit() { (number[*place] - b'0', 10) } else { (number[*place] - b'A', 26) }).collect();
    for (place, (made, (_, radix))) in places.iter().zip(prf.permute_places(tweak, &values).iter().zip(&values)) {
        number[*place] = made + if *radix == 10 { b'0' } else { b'A' };
    }
}

/// One kind of number, in one length.
struct Kind {
    check: Check,
    forms: Vec<Form>,
    /// Nothing in it is checked by another place.
    is_range: bool,
}

/// What each place of a number is.
struct Form {
    kept: Vec<usize>,
    free: Vec<usize>,
    checked: Vec<usize>,
    date: Option<Date>,
}

impl Form {
    /// `=` is kept, `.` free, `#` searched for; `y`, `d` and `m` are a date, `n` a Czech month, `e` a day to which 60 may be added.
    fn of(written: &str) -> Self {
        let places = |letters: &str| -> Vec<usize> { written.char_indices().filter(|(_, letter)| letters.contains(*letter)).map(|(place, _)| place).collect() };
        let date = Date { year: places("y"), month: places("mn"), day: places("de"), is_czech: written.contains('n'), is_coordinated: written.contains('e') };
        Self { kept: places("="), free: places("."), checked: places("#"), date: (!date.year.is_empty()).then_some(date) }
    }

    fn fits(&self, bare: &[u8]) -> bool {
        self.date.as_ref().is_none_or(|date| date.read(bare).is_some())
    }
}

/// Where the date stands in a number.
struct Date {
    year: Vec<usize>,
    month: Vec<usize>,
    day: Vec<usize>,
    is_czech: bool,
    is_coordinated: bool,
}

impl Date {
    fn digits(&self, number: &[u8]) -> String {
        [&self.year, &self.month, &self.day].into_iter().flatten().map(|place| char::from(number[*place])).collect()
    }

    fn field(number: &[u8], places: &[usize]) -> Option<i64> {
        places.iter().try_fold(0, |value, place| number[*place].is_ascii_digit().then(|| value * 10 + i64::from(number[*place] - b'0')))
    }

    /// Year, month and day, and what is added to the last two.
    fn read(&self, number: &[u8]) -> Option<([i64; 3], [i64; 2])> {
        let (year, month, day) = (Self::field(number, &self.year)?, Self::field(number, &self.month)?, Self::field(number, &self.day)?);
        let year = match self.year.len() {
            3 if year > 800 => 1000 + year,
            3 => 2000 + year,
            _ => year,
        };
        let added_to_month = match (self.is_czech, month) {
            (true, 71..) => 70,
            (true, 51..) => 50,
            (true, 21..) => 20,
            (true, _) => 0,
            (false, _) => month / 20 * 20,
        };
        let added_to_day = match (self.is_coordinated, day) {
            (true, 61..) => 60,
            (false, 41..) => 40,
            _ => 0,
        };
        let (month, day) = (if self.month.is_empty() { 1 } else { month - added_to_month }, if self.day.is_empty() { 1 } else { day - added_to_day });
        let full = if self.year.len() == 2 { 2000 + year } else { year };
        let is_within = self.year.len() == 2 || (1910..2036).contains(&year);
        (is_within && is_day(full, month, day)).then_some(([year, month, day], [added_to_month, added_to_day]))
    }

    fn shift(&self, number: &mut [u8], days: i64) {
        let Some(([year, month, day], added)) = self.read(number) else { return };
        let is_short = self.year.len() == 2;
        let (year, month, day) = match (self.month.is_empty(), self.day.is_empty()) {
            (false, false) if is_short => before_in_century(year, month, day, days),
            (false, false) => before_in_range(year, month, day, days),
            // Without a day, months are shifted; without a month, years: a shift by days would bring two together.
            _ => {
                let (first, years) = if is_short { (0, 100) } else { (1910, 126) };
                let step = if self.month.is_empty() { days / 365 * 12 } else { days / 30 };
                let made = ((year - first) * 12 + month - 1 - step).rem_euclid(years * 12);
                (first + made / 12, made % 12 + 1, day)
            }
        };
        let mut write = |places: &[usize], value: i64| {
            let mut rest = value;
            for place in places.iter().rev() {
                number[*place] = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
        };
        write(&self.year, year);
        write(&self.month, month + added[0]);
        write(&self.day, day + added[1]);
    }
}

/// The kinds that a number of each length can be, those that tell most first.
static KINDS: LazyLock<Vec<Vec<Kind>>> = LazyLock::new(|| {
    let mut by_length: Vec<Vec<Kind>> = Vec::new();
    for (name, forms) in FORMS {
        let check = check::by_name(name).expect("forms are of checks that there are");
        for length in 0..=MAX_LENGTH {
            let forms: Vec<Form> = forms.iter().filter(|form| form.len() == length).map(|form| Form::of(form)).collect();
            by_length.resize_with(by_length.len().max(length + 1), Vec::new);
            if !forms.is_empty() {
                let is_range = forms.iter().all(|form| form.checked.is_empty());
                by_length[length].push(Kind { check, forms, is_range });
            }
        }
    }
    by_length
});

/// The form of each kind, in each of its lengths; of two in one length the first that the number's date fits.
const FORMS: &[(&str, &[&str])] = &[
    // With letters, dates, or more than one check.
    ("vin", &["===.....#........"]),
    ("it_codice_fiscale", &["...............#"]),
    ("fr_nir", &["=yymm........##", "===..........##"]),
    ("mx_curp", &["....yymmdd===....."]),
    ("mx_rfc", &["...yymmdd..#", "....yymmdd..#"]),
    ("cn_resident_id", &["==....yyyymmdd...#"]),
    ("in_gstin", &["==...=......==#"]),
    ("in_pan", &["...=......"]),
    ("us_mbi", &["..........."]),
    ("de_rvnr", &["..ddmmyy...#", "..======...#"]),
    ("de_kvnr", &[".........#"]),
    ("uk_nino", &["........="]),
    ("ie_pps", &[".......#", ".......#="]),
    ("es_nie", &["=.......#"]),
    ("es_dni", &["........#"]),
    ("es_cif", &["=.......#"]),
    ("sg_nric", &["=.......#"]),
    ("tw_id", &["==.......#"]),
    ("hk_id", &[".......#", "........#"]),
    ("pl_id_card", &["...#....."]),
    ("pt_cc", &["...........#"]),
    ("ch_uid", &["===........#"]),
    ("us_dea", &[".=......#"]),
    ("nz_nhi", &["......#"]),
    ("fi_hetu", &["ddmmyy...#", "ddmmyy=...#"]),
    ("ch_ahv", &["===.........#"]),
    ("ae_id", &["===yyyy.......#"]),
    ("lu_matricule", &["yyyymmdd...##"]),
    ("be_nrn", &["yymmdd...##"]),
    ("no_fodselsnummer", &["ddmmyy...##"]),
    ("tr_tckn", &[".........##"]),
    ("br_cpf", &[".........##"]),
    ("br_cnpj", &["........====##"]),
    ("ru_inn", &["..........##", ".........#"]),
    ("ru_snils", &[".........##"]),
    ("au_abn", &["##........."]),
    ("be_enterprise", &["=.......##"]),
    ("es_nuss", &["..........##"]),
    ("fr_spi", &["..........###"]),
    ("de_steuer_id", &["..........#"]),
    ("za_id", &["yymmdd....==#"]),
    ("ro_cnp", &["=yymmdd==...#"]),
    ("jmbg", &["ddmmyyy.....#"]),
    ("kr_rrn", &["yymmdd=.....#"]),
    ("kz_iin", &["yymmdd=....#"]),
    ("pl_pesel", &["yymmdd....#"]),
    ("baltic_code", &["=yymmdd...#"]),
    ("hu_personal", &["=yymmdd...#"]),
    ("gr_amka", &["ddmmyy....#"]),
    ("lv_personas_kods", &["ddmmyy=...#", "==........."]),
    ("se_personnummer", &["yymmee...#", "yyyymmee...#"]),
    ("cz_rodne_cislo", &["yynndd...#"]),
    ("bg_egn", &["yymmdd...#"]),
    ("is_kennitala", &["ddmmyy..#="]),
    ("at_svnr", &["...#ddmmyy", "...#======"]),
    ("dk_cpr_checked", &["ddmmyy...#"]),
    ("eg_id", &["=yymmdd==....."]),
    ("id_nik", &["==....ddmmyy...."]),
    ("pl_regon", &["........#....#", "........#"]),
    ("mx_clabe", &["===..............#"]),
    ("iccid", &["===..............#", "===...............#", "===................#"]),
    ("imei", &["==............#", "==.............."]),
    ("it_partita_iva", &[".......===#", "==.......===#"]),
    ("hr_oib", &["..........#", "==..........#"]),
    ("ar_cuit", &["==........#"]),
    ("pe_ruc", &["==........#"]),
    ("do_cedula", &["===.......#"]),
    ("pt_niss", &["=.........#"]),
    ("th_id", &["=...........#"]),
    ("in_aadhaar", &["...........#"]),
    ("jp_my_number", &["...........#"]),
    // One check digit, and many kinds of one length.
    ("uk_nhs", &[".........#"]),
    ("us_npi", &["=........#"]),
    ("uk_utr", &["#........."]),
    ("ec_cedula", &["==.......#"]),
    ("pl_nip", &[".........#", "==.........#"]),
    ("kr_brn", &["==.......#"]),
    ("ua_rnokpp", &[".........#"]),
    ("hu_tax", &["=........#"]),
    ("sa_id", &["=........#"]),
    ("ir_code", &[".........#"]),
    ("icao_document", &[".........#"]),
    ("au_medicare", &["=.......#=", "=.......#=="]),
    ("us_aba", &["==......#"]),
    ("ca_sin", &["........#"]),
    ("nl_bsn", &["........#"]),
    ("pt_nif", &["........#", "==........#"]),
    ("au_tfn", &["........#", ".......#"]),
    ("il_id", &["........#"]),
    ("nz_ird", &["........#", ".......#"]),
    ("cl_rut", &["........#", ".......#"]),
    ("gr_afm", &["........#", "==........#"]),
    ("au_acn", &["........#"]),
    ("hu_taj", &["........#"]),
    ("co_nit", &["........#", ".........#", "..........#"]),
    ("uy_ci", &[".......#"]),
    ("br_pis", &["..........#"]),
    // A form or a range, and nothing to check.
    ("bic_long", &["....==..==="]),
    ("bic", &["....==..", "....==....."]),
    ("imsi", &["===...........", "===............"]),
    ("dk_cpr", &["ddmmyy...."]),
    ("my_kad", &["yymmdd==...."]),
    ("pk_cnic", &["=............"]),
    ("us_itin", &["=..==...."]),
    ("us_ein", &["==......."]),
    ("us_ssn", &["........."]),
];

/// More checks than these are rarely passed by chance at once, and searching for a number that passes them all takes long.
const MAX_TOLD: usize = 3;
const MAX_SEARCHED: usize = 3;
const MAX_LENGTH: usize = 20;
/// Even a number of a rare kind is found within some hundred steps.
const MAX_STEPS: usize = 1 << 14;
