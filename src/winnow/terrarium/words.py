"""The words people use for what the world contains."""

from __future__ import annotations

NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

# Singular and plural; the first is the plain word, used where no paraphrase is wanted.
NOUNS: dict[str, tuple[tuple[str, str], ...]] = {
    "plane": (("plane", "planes"), ("airplane", "airplanes"), ("aircraft", "aircraft")),
    "ship": (("ship", "ships"), ("vessel", "vessels")),
    "boat": (("boat", "boats"), ("boat", "boats"), ("sailing boat", "sailing boats")),
    "car": (("car", "cars"), ("car", "cars"), ("vehicle", "vehicles")),
    "truck": (("truck", "trucks"), ("lorry", "lorries")),
    "house": (("house", "houses"), ("house", "houses"), ("home", "homes")),
    "building": (("building", "buildings"),),
    "terminal": (("terminal", "terminals"), ("terminal building", "terminal buildings")),
    "warehouse": (("warehouse", "warehouses"), ("factory building", "factory buildings")),
    "barn": (("barn", "barns"), ("farm building", "farm buildings")),
    "tank": (("storage tank", "storage tanks"), ("tank", "tanks"), ("oil tank", "oil tanks")),
    "court": (("tennis court", "tennis courts"), ("court", "courts")),
    "pool": (("swimming pool", "swimming pools"), ("pool", "pools")),
    "tree": (("tree", "trees"),),
    "bunker": (("bunker", "bunkers"), ("sand trap", "sand traps"), ("sand bunker", "sand bunkers")),
    "stand": (("stand", "stands"), ("grandstand", "grandstands")),
    "runway": (("runway", "runways"),),
    "pier": (("pier", "piers"), ("dock", "docks"), ("jetty", "jetties")),
    "field": (("field", "fields"), ("farm field", "farm fields")),
}

# How a scene is called, with its article.
SCENE_PHRASES: dict[str, tuple[str, ...]] = {
    "airport": ("an airport", "an airport", "an airfield"),
    "beach": ("a beach", "a beach", "a sandy beach", "a stretch of coast"),
    "bridge": ("a bridge", "a bridge over a river", "a river crossing"),
    "dense residential": (
        "a dense residential area",
        "a crowded residential area",
        "a dense neighborhood",
        "a housing estate",
    ),
    "desert": ("a desert", "a desert", "an arid desert", "a sandy desert"),
    "farmland": ("farmland", "a piece of farmland", "a farming area", "a cultivated area"),
    "forest": ("a forest", "a forest", "a dense forest", "a piece of woodland"),
    "golf course": ("a golf course",),
    "harbor": ("a harbor", "a harbor", "a port", "a marina"),
    "industrial area": ("an industrial area", "an industrial zone", "a factory area"),
    "intersection": ("an intersection", "a crossroads", "a road junction"),
    "lake": ("a lake", "a lake"),
    "meadow": ("a meadow", "a meadow", "an open meadow", "a piece of grassland"),
    "mountain": ("a mountain", "a mountain area", "mountains", "a mountain range"),
    "parking lot": ("a parking lot", "a parking lot", "a car park"),
    "river": ("a river", "a river"),
    "sparse residential": (
        "a sparse residential area",
        "a quiet residential area",
        "a rural neighborhood",
    ),
    "stadium": ("a stadium", "a sports ground", "a running track"),
    "storage tanks": ("a tank farm", "a storage area", "an oil depot"),
    "tennis court": ("a sports area", "a tennis facility", "a tennis club"),
}

# What a scene serves for: phrases for it, and what each means.
LAND_USES: dict[str, dict[str, str]] = {
    "airport": {"air traffic": "air traffic", "transport by air": "air traffic"},
    "beach": {"recreation at the coast": "leisure", "leisure by the sea": "leisure"},
    "bridge": {"traffic across a river": "crossing water", "crossing the river": "crossing water"},
    "dense residential": {"housing": "housing", "homes for many people": "housing"},
    "desert": {"hardly anything": "nothing", "no use that can be seen": "nothing"},
    "farmland": {"farming": "farming", "growing crops": "farming"},
    "forest": {"woodland": "forestry", "forestry": "forestry"},
    "golf course": {"sport and leisure": "sport", "playing golf": "sport"},
    "harbor": {"shipping": "shipping", "mooring ships and boats": "shipping"},
    "industrial area": {"industry": "industry", "storage and production": "industry"},
    "intersection": {"road traffic": "road traffic", "traffic on two roads": "road traffic"},
    "lake": {"open water": "water", "water and nature": "water"},
    "meadow": {"grassland": "grassland", "open grassland": "grassland"},
    "mountain": {"hardly anything": "nothing", "nature": "nature"},
    "parking lot": {"parking": "parking", "parking cars": "parking"},
    "river": {"open water": "water", "a waterway": "water"},
    "sparse residential": {"housing": "housing", "a few homes in the country": "housing"},
    "stadium": {"sport": "sport", "sport and athletics": "sport"},
    "storage tanks": {"storing oil": "industry", "industry": "industry"},
    "tennis court": {"sport": "sport", "playing tennis": "sport"},
}

COLOUR_WORDS: dict[str, tuple[str, ...]] = {
    "gray": ("gray", "gray", "grey"),
    "yellow": ("yellow", "yellow", "golden"),
}


def article(phrase: str) -> str:
    """The phrase behind "a" or "an"."""
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"


def listed(parts: list[str]) -> str:
    """a, b and c."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def plural(noun: str) -> str:
    """The plural of a regular noun."""
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "ch", "sh")) else f"{noun}s"
