"""What counts as an answer: 150 replies, the tricky ones among them."""

import pytest

from synthwright.reasoning.answers import extract, judge, normal

NUMBERS = [
    ("<<<5>>>", 5),
    ("<<< 5 >>>", 5),
    ("<<<-5>>>", -5),
    ("<<<+5>>>", 5),
    ("<<<5.>>>", 5),
    ("<<<5.0>>>", 5),
    ("<<<.5>>>", 0.5),
    ("<<<0.50>>>", 0.5),
    ("<<<-.25>>>", -0.25),
    ("<<<1,234>>>", 1234),
    ("<<<1,234,567>>>", 1234567),
    ("<<<1,234.5>>>", 1234.5),
    ("<<<1 234>>>", 1234),
    ("<<<1_234>>>", 1234),
    ("<<<1e3>>>", 1000),
    ("<<<1E3>>>", 1000),
    ("<<<1.5e-3>>>", 0.0015),
    ("<<<-2.5e+2>>>", -250),
    ("<<<3 x 10^5>>>", 300000),
    ("<<<3 * 10^5>>>", 300000),
    ("<<<3 \u00d7 10^5>>>", 300000),
    ("<<<3 \\times 10^{5}>>>", 300000),
    ("<<<1.2 \\cdot 10^{-3}>>>", 0.0012),
    ("<<<3/4>>>", 0.75),
    ("<<<-3/4>>>", -0.75),
    ("<<<3 / 4>>>", 0.75),
    ("<<<\\frac{3}{4}>>>", 0.75),
    ("<<<-\\frac{3}{4}>>>", -0.75),
    ("<<<\\dfrac{10}{4}>>>", 2.5),
    ("<<<$\\frac{1}{8}$>>>", 0.125),
    ("<<<50%>>>", 0.5),
    ("<<<12.5 %>>>", 0.125),
    ("<<<\u22123>>>", -3),
    ("<<<\u20133.5>>>", -3.5),
    ("<<<$7$>>>", 7),
    ("<<<**7**>>>", 7),
    ("<<<`7`>>>", 7),
    ("<<<7 coins>>>", 7),
    ("<<<about 7>>>", 7),
    ("<<<\u2248 7>>>", 7),
    ("<<<7 m\u00b2>>>", 7),
    ("<<<abc = 7>>>", 7),
    ("<<<the answer is 7>>>", 7),
    ("<<<(7)>>>", 7),
    ("<<<[7]>>>", 7),
    ('<<<"7">>>', 7),
    ("<<<7>>>.", 7),
    ("<<<\n7\n>>>", 7),
    ("Form: <<<...>>>. Mine: <<<7>>>", 7),
    ("For example <<<3>>> would be wrong, so <<<7>>>", 7),
    ("<<<3>>> <<<5>>> <<<7>>>", 7),
    ("7 because <<<7>>> holds, whatever 8 says", 7),
    ("The answer is 7.", 7),
    ("the answer is: 7", 7),
    ("Answer: 7", 7),
    ("ANSWER = 7", 7),
    ("First the answer is 3.\nNo: the answer is 7", 7),
    ("So \\boxed{7}", 7),
    ("So \\boxed{\\frac{7}{2}}", 3.5),
    ("\\boxed{3} and later \\boxed{7}", 7),
    ("Adding up\n3 + 4\n7", 7),
    ("7", 7),
    ("  7  \n\n", 7),
    ("<<<10,5>>> no, <<<1,000>>>", 1000),
    ("<<<\\text{7}>>>", 7),
    ("<<<\\mathbf{7}>>>", 7),
    ("<<<7\\,000>>>", 7000),
    ("<<<0>>>", 0),
    ("<<<-0>>>", 0),
    ("<<<0.0000001>>>", 0),
    ("<<<12345678901>>>", 12345678901),
    ("<<<7.00001>>>", 7),
    ("<<<6.9995>>>", 7),
]
NO_NUMBERS = [
    "<<<NaN>>>",
    "<<<inf>>>",
    "<<<-infinity>>>",
    "<<<1e999>>>",
    "<<<seven>>>",
    "<<<>>>",
    "<<<...>>>",
    "<<<?>>>",
    "<<<3 or 7>>>",
    "<<<7, 8>>>",
    "<<<1/0>>>",
    "I do not know what to say.",
    "<<<True>>>",
]
WRONG_NUMBERS = ["<<<8>>>", "<<<-7>>>", "<<<7.01>>>", "<<<70>>>", "<<<7e1>>>", "<<<0.7>>>", "<<<7%>>>", "<<<7/2>>>"]
TRUTHS = [
    *(
        (f"<<<{word}>>>", "True")
        for word in ("True", "true", "TRUE", "yes", "Yes.", "t", "T", "1", "**True**", "It is true")
    ),
    *((f"<<<{word}>>>", "False") for word in ("False", "false", "no", "No!", "f", "0", "`False`", "That is false")),
    *(
        (f"<<<{word}>>>", "N/A")
        for word in (
            "N/A",
            "n/a",
            "NA",
            "unknown",
            "Unknown.",
            "undetermined",
            "cannot be determined",
            "It cannot be determined",
            "can't be determined",
            "none",
            "not applicable",
            "the value is unknown",
        )
    ),
    ("Is it True? Is it False? The answer is False", "False"),
    ("<<<True>>>, no wait, <<<False>>>", "False"),
    ("<<<False>>> was the example. <<<True>>>", "True"),
    ("Therefore, yes", "True"),
    ("\\boxed{\\text{True}}", "True"),
]
NO_TRUTHS = ["<<<True or False>>>", "<<<maybe>>>", "<<<>>>", "<<<not yes and not no>>>", "<<<2>>>", "<<<truely>>>"]
PAIRS = [
    "<<<x = 1.5, y = -2>>>",
    "<<<x=1.5,y=-2>>>",
    "<<<1.5, -2>>>",
    "<<<1.5,-2>>>",
    "<<<(1.5, -2)>>>",
    "<<<1.5; -2>>>",
    "<<<1.5 and -2>>>",
    "<<<1.5 -2>>>",
    "<<<x: 1.5; y: -2>>>",
    "<<<y = -2, x = 1.5>>>",
    "<<<x is 1.5 and y is -2>>>",
    "<<<3/2, -2>>>",
    "<<<x = \\frac{3}{2}, y = -2>>>",
    "<<<$x = 1.5$, $y = -2$>>>",
    "<<<X = 1.5, Y = \u22122>>>",
    "<<<1.5000, -2.0000>>>",
    "<<<1.5 | -2>>>",
    "\\boxed{x = 1.5, y = -2}",
    "So the answer is x = 1.5, y = -2.",
]
NO_PAIRS = ["<<<1.5>>>", "<<<1.5, -2, 3>>>", "<<<x = 1.5>>>", "<<<x, y>>>", "<<<none of them>>>"]


def test_there_are_enough_of_them():
    n = sum(map(len, (NUMBERS, NO_NUMBERS, WRONG_NUMBERS, TRUTHS, NO_TRUTHS, PAIRS, NO_PAIRS)))
    assert n >= 150


@pytest.mark.parametrize(("reply", "value"), NUMBERS)
def test_a_number_is_read(reply, value):
    assert judge(reply, f"{value:.10g}", "arithmetic")[0] == "correct"


@pytest.mark.parametrize("reply", NO_NUMBERS)
def test_what_is_no_number_is_unparsed(reply):
    assert judge(reply, "7", "arithmetic")[0] == "unparsed"


@pytest.mark.parametrize("reply", WRONG_NUMBERS)
def test_another_number_is_wrong(reply):
    assert judge(reply, "7", "arithmetic")[0] == "wrong"


@pytest.mark.parametrize(("reply", "label"), TRUTHS)
def test_a_truth_is_read(reply, label):
    assert judge(reply, label, "abductive_logic")[0] == "correct"


@pytest.mark.parametrize("reply", NO_TRUTHS)
def test_what_is_no_truth_is_unparsed(reply):
    assert judge(reply, "True", "bool_logic")[0] == "unparsed"


@pytest.mark.parametrize("reply", PAIRS)
def test_a_pair_is_read(reply):
    assert judge(reply, "x = 1.5, y = -2", "linear_equation")[0] == "correct"


@pytest.mark.parametrize("reply", NO_PAIRS)
def test_what_is_no_pair_is_unparsed(reply):
    assert judge(reply, "x = 1.5, y = -2", "linear_equation")[0] == "unparsed"


def test_pairs_with_thousands_are_not_torn_apart():
    assert normal("1,500, 2,000", "linear_equation") == (1500.0, 2000.0)
    assert normal("12,34", "linear_equation") == (12.0, 34.0)


def test_abstaining_and_inventing_are_told_from_being_wrong():
    assert judge("<<<N/A>>>", "True", "deductive_logic")[0] == "abstained"
    assert judge("<<<True>>>", "N/A", "deductive_logic")[0] == "hallucinated"
    assert judge("<<<5>>>", "N/A", "max_sum_path")[0] == "hallucinated"
    assert judge("<<<N/A>>>", "N/A", "max_sum_path")[0] == "correct"
    assert judge("", "True", "bool_logic") == ("unparsed", False)
    assert judge(None, "True", "bool_logic") == ("unparsed", False)


def test_answers_out_of_form_are_marked_as_searched_for():
    assert judge("<<<True>>>", "True", "bool_logic") == ("correct", False)
    assert judge("I say True", "True", "bool_logic") == ("correct", True)
    assert extract("no marks here").is_loose


def test_tolerance_is_relative_to_the_truth_and_absolute_at_zero():
    assert judge("<<<1000.05>>>", "1000", "arithmetic")[0] == "correct"
    assert judge("<<<1000.2>>>", "1000", "arithmetic")[0] == "wrong"
    assert judge("<<<0.0000005>>>", "0", "arithmetic")[0] == "correct"
    assert judge("<<<0.00001>>>", "0", "arithmetic")[0] == "wrong"
    assert judge("<<<x = 1.001, y = 2>>>", "x = 1, y = 2", "linear_equation")[0] == "correct"
