"""The classes of tests/cpp/golden_classes.hpp as a device with a Realm SDK has them, and the documents of types.bson."""

import os
import sys

import bson
from bson.raw_bson import RawBSONDocument
from processes import ROOT

sys.path.insert(0, os.path.join(ROOT, "tests/golden"))
import make  # noqa: E402

SCALARS = {
    "i": "int",
    "d": "double",
    "b": "bool",
    "s": "string",
    "t": "date",
    "u": "uuid",
    "o": "objectId",
    "x": "data",
    "dec": "decimal",
    "e": "int",
}


def each(scalars, form):
    return {name: scalar + form for name, scalar in scalars.items()}


def asymmetric(name, key="objectId", /, **properties):
    return {"name": name, "kind": "asymmetric", "properties": {"_id": key, **properties}}


def embedded(name, /, **properties):
    return {"name": name, "kind": "embedded", "properties": properties}


KEYS = {"Int": "int", "String": "string", "ObjectId": "objectId", "Uuid": "uuid", "Enum": "int"}
LONG_NAME = "property_with_a_name_of_sixty_three_characters_as_long_as_may_b"

CLASSES = [
    embedded("Inner", n="int"),
    embedded("Place", name="string", inner="Inner", inners="Inner[]"),
    embedded(
        "Wide", i="int", oi="int?", list="int[]", set="string<>", map="double{}", m="mixed", t="date", dec="decimal"
    ),
    asymmetric("Scalars", **SCALARS, m="mixed", p="Place"),
    asymmetric("Optionals", **each(SCALARS, "?")),
    asymmetric("Lists", **each(SCALARS, "[]"), m="mixed[]", p="Place[]"),
    asymmetric("OptionalLists", **each(SCALARS, "?[]")),
    asymmetric("Sets", **each(SCALARS, "<>"), m="mixed<>"),
    asymmetric("OptionalSets", **each(SCALARS, "?<>")),
    asymmetric("Maps", **each(SCALARS, "{}"), m="mixed{}", n="int{}", ms="date{}", p="Place{}"),
    asymmetric("OptionalMaps", **each(SCALARS, "?{}"), n="int?{}", ms="date?{}"),
    asymmetric("Embeddeds", one="Place", list="Place[]", map="Place{}"),
    asymmetric("WideOwner", one="Wide"),
    asymmetric(
        "Mixeds",
        **dict.fromkeys(
            ["nothing", "number", "truth", "text", "real", "data", "at", "uuid", "id", "decimal"], "mixed"
        ),
    ),
    asymmetric("OwnVariants", first="mixed", second="mixed", list="mixed[]", map="mixed{}"),
    asymmetric(
        "OtherSizes",
        **dict.fromkeys(["i32", "i16", "i8"], "int"),
        oi32="int?",
        f="float",
        of="float?",
        fs="float[]",
        ms="date",
        s="date",
        oms="date?[]",
    ),
    *(asymmetric(f"{name}Key", key, s="string") for name, key in KEYS.items()),
    *(asymmetric(f"Optional{name}Key", key + "?", s="string") for name, key in KEYS.items()),
    {"name": "KeyLast", "kind": "asymmetric", "properties": {"s": "string", "_id": "int"}},
    asymmetric("LongName", **{LONG_NAME: "int"}),
]


def with_id_first(document):
    """As it is stored. The other bytes stay as they are."""
    fields = RawBSONDocument(document).items()
    return bson.encode(dict(sorted(fields, key=lambda field: field[0] != "_id")), codec_options=make.CODEC)


def decoded(document):
    return bson.decode(document, codec_options=make.CODEC)
