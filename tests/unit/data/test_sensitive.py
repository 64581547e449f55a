import pytest

from synthwright.data.sensitive import judge, looks_direct, name_tokens, names_a_person


def sensitivity(name, kind="category", n_distinct=5, n_known=1000, values=()):
    return judge(name, kind=kind, n_distinct=n_distinct, n_known=n_known, values=values)[0]


@pytest.mark.parametrize(
    ("values", "what"),
    [
        (["a.b@c.org", "x@y.com"], "e-mail addresses"),
        (["123-45-6789", "987-65-4321"], "social security numbers"),
        (["+47 22 33 44 55", "+1 (780) 434-4554"], "phone numbers"),
        (["192.168.0.1", "10.0.0.7"], "IP addresses"),
        (["DE44 5001 0517 5407 3249 31"], "IBANs"),
        (["12/31/2020", "2020-01-01"], ""),
        (["1234567890"], ""),
    ],
)
def test_direct_identifiers_are_known_by_their_look(values, what):
    assert looks_direct(values) == what


def test_values_that_look_like_mail_are_direct_whatever_the_name():
    assert sensitivity("contact", values=["a@b.org", "c@d.org"]) == "direct"


@pytest.mark.parametrize("name", ["LastName", "first_name", "name", "street", "email", "FIRST"])
def test_names_and_addresses_with_many_values_are_direct(name):
    assert sensitivity(name, kind="text", n_distinct=900) == "direct"


def test_a_telling_name_with_two_levels_is_not_direct():
    assert sensitivity("telephone", n_distinct=2) == "public"


@pytest.mark.parametrize("name", ["age", "Sex", "race", "zip_code", "birthDate", "marital_status", "native_country"])
def test_attributes_that_can_be_combined_are_quasi(name):
    assert sensitivity(name) == "quasi"


@pytest.mark.parametrize("name", ["income", "Diagnosis", "HIV_active", "disability"])
def test_attributes_that_harm_when_known_are_sensitive(name):
    assert sensitivity(name) == "sensitive"


def test_a_number_that_only_speaks_of_a_place_is_public():
    assert sensitivity("city_mpg", kind="integer") == "public"
    assert sensitivity("city", kind="category") == "quasi"


@pytest.mark.parametrize("name", ["wages_paid_on_page", "stage", "sexagesimal", "embrace"])
def test_words_count_only_as_whole_words(name):
    assert sensitivity(name.removeprefix("wages_")) == "public"


def test_names_are_cut_into_words_in_every_spelling():
    assert name_tokens("AlbumId") == name_tokens("album_id") == name_tokens("album-id") == ("album", "id")
    assert name_tokens("ZIPCode") == ("zip", "code")


def test_persons_and_things_are_told_apart():
    assert names_a_person("patient_id")
    assert not names_a_person("product_id")
