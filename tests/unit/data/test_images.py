"""Sets of images: storage, checks, and how they print."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import synthwright as sw
from synthwright.core.errors import ConditionError, DataError, SchemaError
from synthwright.data.conditions import parse_condition
from synthwright.data.images import ImageSet, sample_set
from synthwright.data.png import contact_sheet, encode_png
from synthwright.data.schema import Schema
from synthwright.testing import small_images


def noise(n=12, h=8, w=6, c=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, h, w, c), dtype=np.uint8)


def problems_of(*args, **more):
    with pytest.raises(DataError) as caught:
        ImageSet.of(*args, **more)
    return str(caught.value)


def test_pixels_come_back_as_they_went_in():
    pixels = noise()
    assert np.array_equal(ImageSet.of(pixels).pixels(), pixels)


def test_grey_images_may_lack_the_channel_axis():
    assert ImageSet.of(noise(c=1)[..., 0]).shape == (8, 6, 1)


def test_a_list_of_images_is_a_set():
    assert ImageSet.of(list(noise())).fingerprint() == ImageSet.of(noise()).fingerprint()


def test_selected_units_are_these_images_in_this_order():
    data = ImageSet.of(noise(), ["a", "b"] * 6)
    part = data.select([5, 2, 2])
    assert np.array_equal(part.pixels(), noise()[[5, 2, 2]])
    assert part.labels().tolist() == ["b", "a", "a"]


def test_the_fingerprint_depends_on_the_images_not_on_the_way_there():
    data = ImageSet.of(noise(), [0, 1] * 6)
    turned = data.select(np.arange(12)[::-1])
    assert turned.fingerprint() != data.fingerprint()
    assert turned.select(np.arange(12)[::-1]).fingerprint() == data.fingerprint()
    assert data.concat([data.select(range(5)), data.select(range(5, 12))]).fingerprint() == data.fingerprint()


def test_parquet_keeps_images_and_schema(tmp_path):
    data = ImageSet.of(noise(), ["a", "b"] * 6, {"size": np.arange(12) / 2})
    sw.write(data, tmp_path / "a.parquet")
    again = sw.read(tmp_path / "a.parquet")
    assert again.fingerprint() == data.fingerprint()
    assert pq.read_schema(tmp_path / "a.parquet").field("image").type == pa.binary(8 * 6 * 3)


def test_labels_become_categories_in_order_and_the_target():
    data = ImageSet.of(noise(), [2, 10, 1] * 4)
    assert data.classes == (1, 2, 10)
    assert data.schema.target == "label"
    assert data.codes().tolist() == [1, 2, 0] * 4


def test_without_labels_there_are_no_classes():
    data = ImageSet.of(noise())
    assert (data.labels(), data.codes(), data.classes) == (None, None, ())


def test_a_split_divides_each_class_alike():
    parts = sw.split(ImageSet.of(noise(50), ["a", "b"] * 25))
    assert [len(part) for part in parts] == [30, 10, 10]
    assert [int((part.labels() == "a").sum()) for part in parts] == [15, 5, 5]


def test_a_split_may_leave_one_image_of_a_class_in_a_part():
    parts = sw.split(ImageSet.of(noise(20), ["a"] * 15 + ["b"] * 5))
    assert [int((part.labels() == "b").sum()) for part in parts] == [3, 1, 1]


def test_conditions_speak_of_the_class():
    data = small_images()
    condition = parse_condition("label == 'disc'", data.schema)
    assert condition.mask(data).sum() == (data.labels() == "disc").sum()
    with pytest.raises(ConditionError, match="no level of 'label'"):
        parse_condition("label == 'cat'", data.schema)


@pytest.mark.parametrize("text", ["image == 'x'", "image == 7", "image in [1, 2]", "image > 3"])
def test_images_themselves_cannot_be_compared(text):
    with pytest.raises(ConditionError, match="image"):
        parse_condition(text, small_images().schema)


def test_all_problems_come_in_one_error():
    words = problems_of(noise(c=4)[:, :1] / 2, [None] * 12, {"w": [1]})
    for part in ("uint8", "4 channels", "1 x 6", "12 labels are missing", "1 values of 'w'"):
        assert part in words


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.zeros((4, 8, 8)), "not uint8"),
        (np.zeros((4, 8, 8), np.int16), "int16"),
        (np.full((4, 8, 8), np.nan), "float64 from nan"),
        (np.zeros((4, 1, 1), np.uint8), "1 x 1 pixels are too small"),
        (np.zeros((4, 8), np.uint8), "shape"),
        (np.zeros((0, 8, 8), np.uint8), "no images"),
        ([], "no images"),
        ([np.zeros((8, 8), np.uint8), np.zeros((8, 9), np.uint8)], "differ in size"),
        ([[[1], [1, 2]]], "no array"),
        ("cat.png", "not a str"),
        (3, "not a int"),
        (np.zeros((4, 3, 8, 8), np.uint8), "8 channels"),
    ],
)
def test_pixels_that_are_none_are_refused_in_words(pixels, words):
    assert words in problems_of(pixels)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (["a"] * 11 + [None], "1 labels are missing: image 11"),
        ([1.0] * 11 + [np.nan], "missing"),
        ([1.5, 2.5] * 6, "double"),
        ([1.0, 2.0] * 6, "astype(int)"),
        ([True, False] * 6, "bool"),
        (["a", 1] * 6, "no one type"),
        (["a"] * 11, "12 images and 11 labels"),
        (["a"] * 11 + ["b"], "1 class has fewer than 2 images: 'b' (1)"),
        ([[1]] * 12, "type list"),
    ],
)
def test_labels_that_are_none_are_refused_in_words(labels, words):
    assert words in problems_of(noise(), labels)


def test_more_than_a_hundred_classes_are_refused():
    assert "101 classes; 100 are the most" in problems_of(noise(202), list(range(101)) * 2)


def test_metadata_may_not_take_the_names_of_image_and_label():
    assert "taken" in problems_of(noise(), None, {"label": [1] * 12})


def test_nan_in_metadata_is_missing_with_a_note():
    data = ImageSet.of(noise(), None, {"w": [np.nan] * 3 + [1.0] * 9})
    assert data.arrow.column("w").null_count == 3
    assert any("NaN" in note.what for note in data.notes)


def test_a_table_whose_cells_do_not_fit_the_shape_is_refused():
    data = ImageSet.of(noise())
    wrong = data.schema.edit(image={"format": "9x6x3"})
    with pytest.raises(DataError, match="cells of 162 bytes"):
        ImageSet(data.tables, wrong)


def test_a_format_that_is_no_shape_is_refused():
    data = ImageSet.of(noise())
    with pytest.raises(DataError, match="28x28x1"):
        ImageSet(data.tables, data.schema.edit(image={"format": "large"}))


def test_a_target_that_is_no_category_is_refused():
    data = ImageSet.of(noise(), None, {"w": np.arange(12) / 3})
    with pytest.raises(DataError, match="a category; 'w' is number"):
        data.replace({}, data.schema.with_target("w"))


def test_an_unknown_target_is_refused():
    with pytest.raises(SchemaError, match="nothing"):
        small_images().schema.with_target("nothing")


def test_what_a_model_does_not_make_stays_empty():
    data = ImageSet.of(noise(), ["a", "b"] * 6, {"w": np.arange(12) / 2})
    made = sample_set(data.schema, noise(3), ["a", "a", "b"])
    assert made.arrow.column("w").null_count == 3
    assert made.arrow.schema.equals(data.arrow.schema)


def test_the_schema_is_the_same_in_json():
    schema = small_images().schema
    assert Schema.from_json(schema.to_json()) == schema


def test_other_libraries_read_the_columns():
    pandas = pytest.importorskip("pandas", reason="needs the extra frames")
    frame = pandas.DataFrame.from_arrow(small_images())
    assert list(frame.columns) == ["image", "label"]


def test_a_notebook_shows_the_images():
    text = small_images()._repr_html_()
    assert "data:image/png;base64," in text
    assert 'alt="the first 20 images"' in text


def test_png_files_are_read_back_by_pillow():
    pillow = pytest.importorskip("PIL.Image", reason="needs the extra images")
    import io

    for c in (1, 3):
        image = noise(1, 5, 9, c)[0]
        again = np.asarray(pillow.open(io.BytesIO(encode_png(image))))
        assert np.array_equal(again.reshape(image.shape), image)


def test_a_contact_sheet_places_images_side_by_side():
    sheet = contact_sheet(noise(3, 4, 4, 1), 2, gap=1, ground=7)
    assert sheet.shape == (9, 9, 1)
    assert np.array_equal(sheet[:4, 5:], noise(3, 4, 4, 1)[1])
    assert (sheet[5:, 5:] == 7).all()
