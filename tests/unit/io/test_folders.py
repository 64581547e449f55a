"""Folders and archives of images: layouts, rules of conversion, bad input, whole or not at all."""

import json
import struct
import zlib

import numpy as np
import pytest

import synthwright as sw
from synthwright.core.errors import ConfigError, DataError, MissingExtra, ReadError, Unsupported, WriteError
from synthwright.data.images import ImageSet
from synthwright.data.png import encode_png
from synthwright.io.folders import read_images, write_images
from synthwright.testing import small_images

Image = pytest.importorskip("PIL.Image", reason="needs the extra images")


def grey(value=100, h=6, w=5):
    return np.full((h, w, 1), value, dtype=np.uint8)


@pytest.fixture
def classes(tmp_path):
    """Two folders of three grey PNG files each."""
    for name, value in (("cat", 40), ("dog", 200)):
        (tmp_path / "in" / name).mkdir(parents=True)
        for i in range(3):
            (tmp_path / "in" / name / f"{i}.png").write_bytes(encode_png(grey(value + i)))
    return tmp_path / "in"


def test_a_folder_for_each_class_gives_labels(classes):
    data = read_images(classes)
    assert data.labels().tolist() == ["cat"] * 3 + ["dog"] * 3
    assert data.shape == (6, 5, 1)
    assert data.pixels()[:, 0, 0, 0].tolist() == [40, 41, 42, 200, 201, 202]
    assert data.notes == ()


def test_read_takes_a_folder_for_images(classes):
    assert sw.read(classes).modality == "images"


def test_folders_named_after_parts_become_a_split_column(classes, tmp_path):
    for part in ("train", "test"):
        (tmp_path / "both").mkdir(exist_ok=True)
        (tmp_path / "both" / part).mkdir()
        for name in ("cat", "dog"):
            (tmp_path / "both" / part / name).mkdir()
            for i in range(4):
                (tmp_path / "both" / part / name / f"{i}.png").write_bytes(encode_png(grey(10 * i)))
    data = read_images(tmp_path / "both")
    train, holdout, test = sw.split(data)
    assert sorted(set(data.labels())) == ["cat", "dog"]
    assert (len(train) + len(holdout), len(test)) == (8, 8)


@pytest.mark.parametrize("name", [".thumbnails", "__MACOSX", "cat/.old"])
def test_hidden_folders_are_no_classes_and_add_no_images(name, classes):
    (classes / name).mkdir()
    for i in range(2):
        (classes / name / f"h{i}.png").write_bytes(encode_png(grey()))
    data = read_images(classes)
    assert data.classes == ("cat", "dog")
    assert len(data) == 6


def test_folders_inside_of_a_class_are_noted(classes):
    (classes / "dog").rename(classes / "big")
    (classes / "dog").mkdir()
    (classes / "big").rename(classes / "dog" / "big")
    data = read_images(classes)
    assert data.classes == ("cat", "dog")
    assert [(note.code, "dog/big" in note.what) for note in data.notes] == [("I031", True)]


def test_images_without_folders_have_no_classes(classes):
    data = read_images(classes / "cat")
    assert (len(data), data.labels()) == (3, None)


def test_metadata_name_files_labels_and_columns(classes):
    lines = ["file_name,label,price", "cat/0.png,tom,1.5", "dog/1.png,rex,2", "cat/2.png,tom,", "dog/0.png,rex,3"]
    (classes / "metadata.csv").write_text("\n".join(lines))
    data = read_images(classes)
    assert data.labels().tolist() == ["tom", "rex", "tom", "rex"]
    assert data.arrow.column("price").to_pylist() == [1.5, 2, None, 3]
    assert any("2 images that the metadata do not name" in note.what for note in data.notes)


def test_metadata_may_be_json_lines(classes):
    rows = [{"file_name": f"{name}/{i}.png", "label": name} for name in ("cat", "dog") for i in range(3)]
    (classes / "metadata.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    assert read_images(classes).classes == ("cat", "dog")


@pytest.mark.parametrize("target", ["folder", "a.npz", "a.parquet", "a.arrow"])
def test_what_is_written_is_read_back_whole(target, tmp_path):
    data = small_images(20)
    assert sw.read(sw.write(data, tmp_path / target)).fingerprint() == data.fingerprint()


def test_a_folder_keeps_types_holes_and_texts_that_look_like_numbers(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 4, 4, 3), dtype=np.uint8)
    labels, price = [f"{i % 2:02d}" for i in range(8)], [None if i % 3 == 0 else i / 4 for i in range(8)]
    data = ImageSet.of(pixels, labels, {"price": price, "who": ['Zoë, "x"\n'] * 8})
    again = read_images(write_images(data, tmp_path / "a"))
    assert again.fingerprint() == data.fingerprint()
    assert again.schema == data.schema


def test_equal_data_give_equal_files(tmp_path):
    data = small_images(6)
    for suffix in ("", ".npz"):
        one, two = (write_images(data, tmp_path / f"{name}{suffix}") for name in "ab")
        files = [one, two] if suffix else [one / "metadata.csv", two / "metadata.csv"]
        assert files[0].read_bytes() == files[1].read_bytes()


def test_a_sample_with_empty_metadata_goes_to_a_folder_but_not_to_an_archive(tmp_path):
    data = ImageSet.of(small_images(8).pixels(), None, {"price": [None, 1.0] * 4})
    assert read_images(write_images(data, tmp_path / "a")).fingerprint() == data.fingerprint()
    with pytest.raises(Unsupported, match="price"):
        write_images(data, tmp_path / "a.npz")


def test_a_folder_with_other_files_is_never_replaced(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "letter.txt").write_text("dear")
    with pytest.raises(WriteError, match=r"letter\.txt"):
        write_images(small_images(20), tmp_path / "a")
    assert (tmp_path / "a" / "letter.txt").read_text() == "dear"


def test_a_folder_of_ours_is_replaced_as_a_whole(tmp_path):
    write_images(small_images(30), tmp_path / "a")
    write_images(small_images(20), tmp_path / "a")
    assert len(read_images(tmp_path / "a")) == 20
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


# -- conversions


def converted(tmp_path, *images):
    for i, image in enumerate(images):
        image.save(tmp_path / f"{i}.png")
    return read_images(tmp_path)


def note_of(data):
    return " ".join(note.what for note in data.notes)


def test_transparency_is_laid_on_white(tmp_path):
    image = Image.fromarray(np.array([[[200, 0, 0, 0], [200, 0, 0, 255]]] * 2, dtype=np.uint8))
    data = converted(tmp_path, image)
    assert data.pixels()[0, 0].tolist() == [[255, 255, 255], [200, 0, 0]]
    assert "1 images with transparency were laid on white" in note_of(data)


def test_palettes_become_colours(tmp_path):
    image = Image.fromarray(np.array([[0, 1], [1, 0]], dtype=np.uint8)).convert("P")
    image.putpalette([9, 8, 7, 1, 2, 3])
    data = converted(tmp_path, image)
    assert data.pixels()[0, 0].tolist() == [[9, 8, 7], [1, 2, 3]]
    assert "palette" in note_of(data)


def test_sixteen_bits_are_reduced_to_eight(tmp_path):
    image = Image.fromarray(np.array([[0, 257], [65535, 25700]], dtype=np.uint16))
    data = converted(tmp_path, image)
    assert data.pixels()[0, :, :, 0].tolist() == [[0, 1], [255, 100]]
    assert "16 bits" in note_of(data)


def test_black_and_white_become_grey(tmp_path):
    data = converted(tmp_path, Image.fromarray(np.array([[0, 255], [255, 0]], dtype=np.uint8)).convert("1"))
    assert data.pixels()[0, :, :, 0].tolist() == [[0, 255], [255, 0]]


def test_grey_images_get_three_channels_beside_coloured_ones(tmp_path):
    colour = Image.fromarray(np.full((2, 2, 3), 9, dtype=np.uint8))
    data = converted(tmp_path, colour, Image.fromarray(np.full((2, 2), 7, dtype=np.uint8)))
    assert data.pixels()[1, 0, 0].tolist() == [7, 7, 7]
    assert "grey images were read as RGB" in note_of(data)


def test_the_orientation_of_the_camera_is_applied(tmp_path):
    image = Image.fromarray(np.arange(24, dtype=np.uint8).reshape(4, 6) * 10)
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "0.png", exif=exif)
    data = read_images(tmp_path)
    assert data.shape == (6, 4, 1)
    assert data.pixels()[0, 0, :, 0].tolist() == [180, 120, 60, 0]
    assert "EXIF" in note_of(data)


def test_only_the_first_frame_of_an_animation_is_read(tmp_path):
    frames = [Image.fromarray(np.full((3, 3), v, dtype=np.uint8)) for v in (10, 250)]
    frames[0].save(tmp_path / "0.gif", save_all=True, append_images=frames[1:])
    data = read_images(tmp_path)
    assert int(data.pixels().max()) < 20
    assert "first frame" in note_of(data)


def test_size_resizes_with_a_note(classes):
    (classes / "cat" / "large.png").write_bytes(encode_png(grey(40, 60, 50)))
    data = read_images(classes, size=(6, 5))
    assert data.shape == (6, 5, 1)
    assert "1 images were resized" in note_of(data)


@pytest.mark.parametrize("name", ["set", "set.npz", "set.parquet"])
def test_images_of_every_source_are_resized_and_keep_their_schema(tmp_path, name):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (6, 9, 8, 3), dtype=np.uint8)
    data = ImageSet.of(pixels, labels=["a", "b"] * 3, metadata={"age": list(range(6))})
    data = data.replace({}, data.schema.edit(age={"role": "ignore"}))
    found = sw.read(sw.write(data, tmp_path / name), image_size=(4, 6))
    assert found.shape == (4, 6, 3)
    assert found.schema["age"].role == "ignore"
    assert found.labels().tolist() == ["a", "b"] * 3
    assert "6 images were resized" in note_of(found)
    assert np.array_equal(found.pixels(), sw.read(data, image_size=(4, 6)).pixels())


def test_images_of_the_size_that_is_asked_for_stay_as_they_are(tmp_path):
    data = ImageSet.of(np.random.default_rng(0).integers(0, 256, (4, 8, 8), dtype=np.uint8))
    assert sw.read(data, image_size=8) is data
    assert sw.read(sw.write(data, tmp_path / "set"), image_size=8).fingerprint() == data.fingerprint()


def test_the_size_that_is_asked_for_wins_over_a_schema(classes):
    schema = sw.read(classes).schema
    assert sw.read(classes, schema=schema, image_size=(3, 4)).shape == (3, 4, 1)


@pytest.mark.parametrize("size", [1, True, "8", (8,), (8, 8, 1), (8, 8.0), 5000])
def test_what_is_no_size_of_images_is_refused(classes, size):
    with pytest.raises(ConfigError, match="is no size of images"):
        sw.read(classes, image_size=size)


def test_other_files_are_left_out_with_a_note(classes):
    (classes / "cat" / "notes.txt").write_text("x")
    (classes / ".hidden").write_text("x")
    assert "1 files that are no images were left out: notes.txt" in note_of(read_images(classes))


# -- bad input


def test_every_file_that_cannot_be_read_is_named(classes):
    (classes / "cat" / "broken.png").write_bytes(b"not a picture")
    whole = encode_png(np.random.default_rng(0).integers(0, 256, (6, 5, 1), dtype=np.uint8))
    (classes / "dog" / "short.png").write_bytes(whole[:-30])
    with pytest.raises(ReadError) as caught:
        read_images(classes)
    assert len(caught.value.problems) == 2
    assert "broken.png" in str(caught.value)
    assert "short.png" in str(caught.value)


def test_a_small_file_that_unpacks_to_gigabytes_is_refused(classes):
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    body = b"".join(struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + c)) for k, c in parts)
    (classes / "cat" / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    with pytest.raises(ReadError, match=r"(?s)too large|60,000.*bomb"):
        read_images(classes)


def test_each_file_of_another_size_is_named_with_the_usual_one(classes):
    (classes / "dog" / "odd.png").write_bytes(encode_png(grey(9, 7, 7)))
    with pytest.raises(ReadError, match=r"(?s)7 x 7.*6 x 5.*odd\.png.*size=\(6, 5\)"):
        read_images(classes)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: p.mkdir(), "holds no images"),
        (lambda p: None, "no such folder"),
        (lambda p: p.write_text("x"), "a file, no folder"),
    ],
)
def test_a_place_without_images_is_refused(make, words, tmp_path):
    make(tmp_path / "a")
    with pytest.raises(ReadError, match=words):
        read_images(tmp_path / "a")


def test_one_class_folder_alone_is_refused_with_a_way_out(classes, tmp_path):
    (tmp_path / "one").mkdir()
    (classes / "cat").rename(tmp_path / "one" / "cat")
    with pytest.raises(DataError, match=r"(?s)one folder only.*read_images"):
        read_images(tmp_path / "one")


def test_a_class_of_one_image_is_refused(classes):
    (classes / "eel").mkdir()
    (classes / "eel" / "0.png").write_bytes(encode_png(grey()))
    with pytest.raises(DataError, match="'eel' \\(1\\)"):
        read_images(classes)


def test_images_beside_class_folders_are_refused(classes):
    (classes / "stray.png").write_bytes(encode_png(grey()))
    with pytest.raises(ReadError, match=r"stray\.png"):
        read_images(classes)


@pytest.mark.parametrize("name", ["../secret.png", "/etc/hostname", ""])
def test_metadata_cannot_lead_out_of_the_folder(name, classes):
    (classes / "metadata.jsonl").write_text(json.dumps({"file_name": name or None, "label": "a"}))
    with pytest.raises(ReadError, match="inside the folder"):
        read_images(classes)


def test_a_link_out_of_the_folder_is_refused(classes, tmp_path):
    (tmp_path / "outside.png").write_bytes(encode_png(grey()))
    (classes / "link.png").symlink_to(tmp_path / "outside.png")
    (classes / "metadata.csv").write_text("file_name,label\nlink.png,a\ncat/0.png,b\n")
    with pytest.raises(ReadError, match="inside the folder"):
        read_images(classes)


def test_metadata_without_file_names_or_with_missing_files_are_refused(classes):
    (classes / "metadata.csv").write_text("name,label\ncat/0.png,a\n")
    with pytest.raises(ReadError, match="'file_name'"):
        read_images(classes)
    (classes / "metadata.csv").write_text("file_name,label\ncat/0.png,a\ncat/9.png,a\n")
    with pytest.raises(ReadError, match=r"(?s)no such file.*9\.png"):
        read_images(classes)


def test_an_archive_needs_an_array_of_images(tmp_path):
    np.savez(tmp_path / "a.npz", stuff=np.zeros(3))
    with pytest.raises(ReadError, match="no array of images; it has stuff"):
        read_images(tmp_path / "a.npz")


def test_metadata_called_image_are_refused_with_the_name_of_the_file(classes, tmp_path):
    rows = [f"{name}/{i}.png,{i},{name}" for name in ("cat", "dog") for i in range(3)]
    (classes / "metadata.csv").write_text("\n".join(["file_name,image,label", *rows]))
    with pytest.raises(DataError, match="'image' and 'label' are taken") as caught:
        read_images(classes)
    assert "metadata.csv" in caught.value.where
    np.savez(tmp_path / "a.npz", images=np.zeros((4, 4, 4), dtype=np.uint8), image=np.arange(4))
    with pytest.raises(DataError, match="are taken") as caught:
        read_images(tmp_path / "a.npz")
    assert "a.npz" in caught.value.where


def test_an_array_called_schema_is_a_column_or_refused(tmp_path):
    pixels = np.zeros((4, 4, 4), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", images=pixels, schema=np.array(["x", "y", "x", "z"]))
    assert read_images(tmp_path / "a.npz").arrow["schema"].to_pylist() == ["x", "y", "x", "z"]
    np.savez(tmp_path / "b.npz", images=pixels, schema="version 2")
    with pytest.raises(ReadError, match="'schema' is no schema"):
        read_images(tmp_path / "b.npz")


def test_an_archive_is_never_unpickled(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.array([{"a": 1}, None], dtype=object))
    with pytest.raises(ReadError, match="cannot be read"):
        read_images(tmp_path / "a.npz")


def test_a_damaged_archive_is_refused(tmp_path):
    path = write_images(small_images(20), tmp_path / "a.npz")
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(ReadError, match="cannot be read"):
        read_images(path)


def test_arrays_of_floats_are_refused_with_a_way_out(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.random.default_rng(0).random((4, 8, 8)))
    with pytest.raises(DataError, match=r"pixels \* 255"):
        read_images(tmp_path / "a.npz")


def test_reading_without_pillow_names_the_extra(classes, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(MissingExtra, match="PIL"):
        read_images(classes)
