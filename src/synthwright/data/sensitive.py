"""How closely a column points at a person, judged from its name and from the look of its values.

Names decide only together with values: a column `telephone` with the levels yes and no holds no phone numbers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from synthwright.data.schema import Kind, Sensitivity

_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_DIRECT = {
    "email",
    "mail",
    "phone",
    "telephone",
    "mobile",
    "cell",
    "fax",
    "ssn",
    "passport",
    "iban",
    "address",
    "street",
    "surname",
    "lastname",
    "firstname",
    "forename",
    "fullname",
    "username",
    "login",
    "licence",
    "license",
    "plate",
    "mrn",
    "nino",
    "prefix_name",
    "maiden",
}
_NAMES_OF_PEOPLE = {
    "first",
    "last",
    "full",
    "given",
    "family",
    "middle",
    "maiden",
    "sur",
    "user",
    "customer",
    "patient",
    "person",
    "client",
}
_QUASI = {
    "age",
    "sex",
    "gender",
    "zip",
    "zipcode",
    "postcode",
    "postal",
    "birth",
    "birthdate",
    "birthday",
    "dob",
    "born",
    "race",
    "ethnicity",
    "ethnic",
    "nationality",
    "native",
    "marital",
    "marriage",
    "occupation",
    "job",
    "profession",
    "education",
    "household",
    "language",
    "citizenship",
    "latitude",
    "longitude",
    "lat",
    "lon",
    "death",
    "deathdate",
    "foreign",
}
# Places count when the values are levels or names: `city_mpg` is a number and no place.
_PLACES = {
    "country",
    "city",
    "town",
    "county",
    "state",
    "region",
    "district",
    "address",
    "community",
    "communityname",
    "birthplace",
    "employer",
    "school",
}
_SENSITIVE = {
    "income",
    "salary",
    "wage",
    "wages",
    "earnings",
    "wealth",
    "disease",
    "diagnosis",
    "diagnoses",
    "illness",
    "disorder",
    "hiv",
    "aids",
    "cancer",
    "diabetes",
    "disability",
    "religion",
    "religious",
    "political",
    "orientation",
    "pregnant",
    "pregnancy",
    "mental",
    "criminal",
    "conviction",
    "arrest",
    "medication",
    "genetic",
    "poverty",
    "died",
    "deceased",
    "suicide",
    "addiction",
}
_PERSONS = {
    "patient",
    "person",
    "customer",
    "client",
    "user",
    "student",
    "subject",
    "member",
    "employee",
    "participant",
    "respondent",
    "household",
    "account",
    "citizen",
    "donor",
    "pupil",
    "borrower",
    "applicant",
    "policyholder",
    "individual",
    "hospital",
}
# Share of distinct values that must look like it before a pattern counts.
_SHARE = 0.8
_VALUE_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("e-mail addresses", re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}")),
    ("social security numbers", re.compile(r"\d{3}-\d{2}-\d{4}")),
    ("phone numbers", re.compile(r"\+\d[\d ()./-]{7,18}|\(\d{2,5}\) ?\d[\d -]{4,12}|\d{3}[-. ]\d{3}[-. ]\d{4}")),
    ("IBANs", re.compile(r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?")),
    ("IP addresses", re.compile(r"(?:\d{1,3}\.){3}\d{1,3}")),
)


def name_tokens(name: str) -> tuple[str, ...]:
    """Lower-case words of a column name: `AlbumId`, `album_id` and `album-id` all give ("album", "id")."""
    return tuple(part.lower() for part in _CAMEL.findall(name))


def names_a_person(name: str) -> bool:
    """Whether the name speaks of persons or households, as in `patient_id`."""
    return not _PERSONS.isdisjoint(name_tokens(name))


def looks_direct(values: Sequence[str]) -> str:
    """What direct identifiers the values look like, for example "e-mail addresses"; empty when none."""
    for what, pattern in _VALUE_PATTERNS:
        if values and sum(bool(pattern.fullmatch(value)) for value in values) >= _SHARE * len(values):
            return what
    return ""


def judge(
    name: str, *, kind: Kind, n_distinct: int, n_known: int, values: Sequence[str] = ()
) -> tuple[Sensitivity, str]:
    """Sensitivity of a column and the reason, empty for `public`.

    n_known: cells that are not missing. values: some distinct values of a text column.
    """
    tokens = name_tokens(name)
    if what := looks_direct(values):
        return "direct", f"values look like {what}"
    many = n_distinct >= 10 and n_distinct >= 0.3 * n_known
    is_words = kind in ("text", "category", "identifier")
    if many and is_words and _is_direct_name(tokens):
        return "direct", f"name says {' '.join(tokens)}, {n_distinct:,} distinct values"
    for level, words in (("sensitive", _SENSITIVE), ("quasi", _QUASI | _PLACES if is_words else _QUASI)):
        hit = next((token for token in tokens if token in words), "")
        if hit:
            return level, f"name has {hit!r}"  # type: ignore[return-value]  # the two literals above
    return "public", ""


def _is_direct_name(tokens: tuple[str, ...]) -> bool:
    if not _DIRECT.isdisjoint(tokens) or tokens in (("first",), ("last",)):
        return True
    return "name" in tokens and (len(tokens) == 1 or not _NAMES_OF_PEOPLE.isdisjoint(tokens))
