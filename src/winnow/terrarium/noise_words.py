"""The words of the noise: what annotators and models confuse, invent, or should not say."""

from __future__ import annotations

COLOURS = ("white", "gray", "black", "red", "blue", "green", "brown", "yellow", "orange")
COLOUR_FAMILY = {"grey": "gray", "golden": "yellow", "dark": "black"}

# What each attribute is mistaken for. Colours are handled apart: any other colour may be wrong.
ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "large": ("small",), "big": ("small", "tiny"), "huge": ("small",), "small": ("large", "big"),
    "little": ("large",), "tiny": ("large",), "dense": ("sparse",), "sparse": ("dense",),
    "thick": ("sparse",), "straight": ("curved", "winding"), "curved": ("straight",),
    "winding": ("straight",), "wide": ("narrow",), "broad": ("narrow",), "narrow": ("wide",),
    "thin": ("wide",), "long": ("short",), "short": ("long",), "round": ("square", "rectangular"),
    "circular": ("square", "rectangular"), "square": ("round",), "rectangular": ("circular",),
    "irregular": ("round",), "tall": ("low",), "crowded": ("empty",), "full": ("empty",),
    "flat": ("hilly",), "calm": ("rough",), "neat": ("messy",), "steep": ("gentle",),
    "busy": ("deserted",), "empty": ("crowded",), "lush": ("withered",), "dry": ("lush",),
}  # fmt: skip

SAME_SIZE = {
    "small": ("little", "tiny"), "large": ("big", "huge"), "big": ("large", "huge"),
    "curved": ("winding",), "winding": ("curved",), "wide": ("broad",), "sparse": ("scattered",),
    "round": ("circular",), "circular": ("round",), "square": ("rectangular",),
    "rectangular": ("square",),
}  # fmt: skip

# Relation phrases and what they are turned into; tried as they stand, longest first.
RELATIONS: dict[str, tuple[str, ...]] = {
    "on the left": ("on the right",),
    "on the right": ("on the left",),
    "at the top": ("at the bottom",),
    "at the bottom": ("at the top",),
    "on both sides of": ("on only one side of",),
    "on both banks": ("on one bank only",),
    "on one side of": ("on both sides of",),
    "on all sides": ("on one side only",),
    "next to each other": ("far apart",),
    "close to each other": ("far from each other",),
    "near each other": ("far from each other",),
    "close together": ("far apart",),
    "next to": ("far from", "some distance from"),
    "close to": ("far from", "at a distance from"),
    "not far from": ("far from",),
    "far from": ("next to", "close to"),
    "beside": ("far from", "some distance from"),
    "near": ("far from", "some distance away from"),
    "nearby": ("far away", "in the far distance"),
    "in front of": ("behind",),
    "behind": ("in front of",),
    "surrounded by": ("far away from", "with one side facing"),
    "around": ("far from",),
    "surrounds": ("lies away from",),
    "through": ("past", "alongside"),
    "across": ("alongside", "beside"),
    "over": ("beside", "next to"),
    "crosses": ("runs parallel to",),
    "under": ("over", "far from"),
    "inside": ("outside",),
    "outside": ("inside",),
    "among": ("far from", "away from"),
    "between": ("outside", "to one side of"),
    "along": ("away from", "far from"),
    "in the middle of": ("at the edge of", "in a corner of"),
    "in the center of": ("at the edge of", "in a corner of"),
    "in the middle": ("at the edge",),
    "at the edge of": ("in the middle of",),
    "at the foot of": ("on top of",),
    "parallel to": ("at right angles to",),
    "above": ("below",),
    "below": ("above",),
    "side by side": ("far apart",),
    "separated by": ("connected by",),
}

# Relations that can close a sentence; all others need what they relate to behind them.
STANDALONE = frozenset({
    "on the left", "on the right", "at the top", "at the bottom", "on both banks", "on all sides",
    "next to each other", "close to each other", "near each other", "close together", "nearby",
    "in the middle", "side by side",
})  # fmt: skip

# An object nobody mentioned, with the stems that would make it true.
Invented = tuple[str, tuple[str, ...]]
_TOWN: tuple[Invented, ...] = (
    ("a swimming pool", ("pool",)),
    ("a church with a tall tower", ("church", "tower")),
    ("a basketball court", ("basketball", "court")),
    ("a small playground", ("playground",)),
    ("a round fountain", ("fountain",)),
    ("a construction crane", ("crane", "construction")),
    ("two yellow school buses", ("bus",)),
    ("a gas station", ("gas", "station")),
    ("a row of solar panels", ("solar", "panel")),
    ("a water tower", ("tower", "tank")),
    ("a railway line", ("rail", "train", "track")),
    ("a baseball field", ("baseball", "field", "diamond")),
    ("a billboard", ("billboard",)),
)
_WATER: tuple[Invented, ...] = (
    ("a lighthouse", ("lighthouse", "tower")),
    ("a large cruise ship", ("cruise", "ship", "vessel", "boat")),
    ("a wooden footbridge", ("bridge",)),
    ("two kayaks", ("kayak", "canoe", "boat")),
    ("a fish farm", ("fish",)),
    ("a sandbar", ("sandbar", "island")),
    ("a small dam", ("dam",)),
    ("a ferry", ("ferry", "ship", "boat", "vessel")),
    ("a campsite with tents", ("camp", "tent")),
)
_COUNTRY: tuple[Invented, ...] = (
    ("a herd of cattle", ("cattle", "cow", "herd", "sheep")),
    ("a tractor", ("tractor",)),
    ("two wind turbines", ("turbine", "windmill")),
    ("a greenhouse", ("greenhouse", "house")),
    ("a hay barn", ("barn",)),
    ("a railway line", ("rail", "train", "track")),
    ("a power line with pylons", ("power", "pylon")),
    ("a campsite with tents", ("camp", "tent")),
    ("a wooden cabin", ("cabin", "house", "home", "building", "barn")),
    ("a stone quarry", ("quarry",)),
)
_TRANSPORT: tuple[Invented, ...] = (
    ("a helicopter", ("helicopter",)),
    ("a fuel truck", ("truck", "lorry")),
    ("a control tower", ("tower",)),
    ("two yellow buses", ("bus",)),
    ("a train on a railway", ("train", "rail", "track")),
    ("a row of motorcycles", ("motorcycle", "motorbike")),
    ("a pedestrian overpass", ("overpass", "bridge")),
    ("a construction crane", ("crane", "construction")),
    ("a gas station", ("gas", "station")),
)

# Which list suits a scene: the first row with a word that occurs in the scene's name wins.
SETTINGS: tuple[tuple[tuple[str, ...], tuple[Invented, ...]], ...] = (
    (("airport", "parking", "intersection", "crossroad", "railway", "viaduct", "overpass", "runway",
      "plane", "freeway", "roundabout"), _TRANSPORT),
    (("beach", "harbor", "harbour", "port", "river", "lake", "pond", "bridge", "sea", "island",
      "ship", "wetland"), _WATER),
    (("farm", "forest", "meadow", "mountain", "desert", "bare", "field", "golf", "chaparral",
      "agricultur", "sparse", "grass", "snow", "terrace"), _COUNTRY),
    (("",), _TOWN),
)  # fmt: skip

# One object taken for another: singular and plural, and the stems that would make it true.
SUBSTITUTES: dict[str, tuple[str, str, str]] = {
    "plane": ("helicopter", "helicopters", "helicopter"),
    "airplane": ("helicopter", "helicopters", "helicopter"),
    "boat": ("kayak", "kayaks", "kayak"),
    "ship": ("barge", "barges", "barge"),
    "car": ("bus", "buses", "bus"),
    "vehicle": ("bus", "buses", "bus"),
    "truck": ("bus", "buses", "bus"),
    "house": ("apartment building", "apartment buildings", "apartment"),
    "home": ("apartment building", "apartment buildings", "apartment"),
    "warehouse": ("greenhouse", "greenhouses", "greenhouse"),
    "barn": ("silo", "silos", "silo"),
    "tank": ("silo", "silos", "silo"),
    "runway": ("railway", "railways", "rail"),
    "road": ("railway", "railways", "rail"),
    "street": ("railway", "railways", "rail"),
    "tree": ("palm tree", "palm trees", "palm"),
    "pond": ("swimming pool", "swimming pools", "pool"),
    "building": ("church", "churches", "church"),
    "pier": ("bridge", "bridges", "bridge"),
    "island": ("ship", "ships", "ship"),
}

INVENTED_PLACES = (
    " with {x} nearby", " and {x}", " with {x} beside it", " next to {x}",
    " and there is {x} in the corner", " with {x} in the background", ", and {x} can be seen",
)  # fmt: skip

GENERIC = (
    "an aerial view of an area with some {a} and {b}",
    "this is a satellite image of a place",
    "an overhead view of {a} and {b}",
    "a picture taken from above showing {a} and other things",
    "there are some {a} and {b} in the picture",
    "a remote sensing image with {a}",
    "many things can be seen in this area",
    "an area with {a} and {b}",
    "it is an image of some land seen from above",
    "the picture shows an area with different kinds of {a}",
    "some {a} are near some {b}",
    "a top view of the ground with {a} and {b}",
)
GENERIC_THINGS = (
    "buildings",
    "trees",
    "roads",
    "land",
    "plants",
    "objects",
    "structures",
    "surfaces",
)

# What no picture from above can show. The first row suits any scene; the others need people,
# or nature, in the scene's name or in the caption.
INFEASIBLE: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("",), (
        " on a Tuesday morning in March 2015",
        ", which was in the news last week",
        " and birds are singing in the background",
        ", and the temperature is about twenty degrees",
        " and it will probably rain tomorrow",
        ", taken by a photographer from Ohio",
        " where people feel happy and relaxed",
        " and the air smells of fresh rain",
    )),
    (("resid", "house", "home", "building", "industr", "factory", "warehouse", "barn", "school"), (
        ", built in 1962 by a local company",
        " and a family is having dinner inside",
        " while soft music plays indoors",
        " and the rooms inside are freshly painted",
        " and the owner is called Mr. Johnson",
        ", which costs about two million dollars",
    )),
    (("airport", "plane", "parking", "car", "road", "intersection", "bridge", "harbor", "port"), (
        ", and the noise of engines can be heard",
        " and the drivers are tired after a long day",
        ", and the workers have been on strike since Monday",
        ", named after a former president",
        ", which was opened by the mayor in 1987",
    )),
    (("forest", "meadow", "lake", "river", "mountain", "desert", "beach", "farm", "golf"), (
        " where a wedding took place last summer",
        " and an owl can be heard at night",
        ", which belonged to a king in the old days",
        " and the water tastes fresh and cold",
        ", where visitors have to pay five dollars",
        " and the farmer expects a good harvest",
    )),
)  # fmt: skip

# Colours that a mistake may plausibly name, by what the colour belongs to.
_WATERS = frozenset({"water", "sea", "ocean", "river", "stream", "creek", "lake", "pond"})
_LANDS = frozenset({
    "field", "fields", "grass", "lawn", "lawns", "meadow", "desert", "sand", "dunes", "mountain",
    "mountains", "slopes", "hill", "hills", "soil", "land", "ground", "forest", "trees", "woods",
    "plants", "farmland", "pitch",
})  # fmt: skip
NATURAL_COLOURS: tuple[tuple[frozenset[str], tuple[str, ...]], ...] = (
    (_WATERS, ("blue", "green", "brown", "black")),
    (_LANDS, ("green", "brown", "yellow", "gray", "white")),
)

VERBS = {
    "is": "are", "has": "have", "runs": "run", "goes": "go", "passes": "pass", "winds": "wind",
    "flows": "flow", "crosses": "cross", "stands": "stand", "lies": "lie", "leads": "lead",
    "spans": "span",
}  # fmt: skip

COUNTABLE = frozenset({
    "plane", "airplane", "boat", "ship", "vessel", "car", "vehicle", "truck", "lorry", "house",
    "home", "building", "warehouse", "barn", "tank", "court", "pool", "tree", "bunker", "trap",
    "stand", "grandstand", "runway", "pier", "dock", "jetty", "field", "lake", "pond", "island",
    "bridge", "playground", "stadium", "church", "tower",
})  # fmt: skip

# Words that cannot end a sentence: a cut behind them shows as a cut.
DANGLING = frozenset({
    "a", "an", "the", "of", "and", "with", "to", "in", "on", "at", "by", "near", "from", "between",
    "beside", "into", "over", "under", "through", "some", "many", "several", "is", "are", "two",
    "three", "four", "five", "six", "one", "large", "small", "white", "red", "blue", "green",
    "gray", "grey", "black", "brown", "yellow", "next", "their", "its",
})  # fmt: skip
