"""The words that captions of remote-sensing images use, by what they name.

Each table maps a canonical word to its synonyms, separated by commas; the canonical word stands for
itself too. Nouns are singular: their plurals are derived. Sources: Terrarium's words, the classes
of DOTA (Xia et al. 2018) and DIOR (Li et al. 2020), the scenes of UCM (Yang & Newsam 2010), AID
(Xia et al. 2017) and RESISC45 (Cheng et al. 2017), and the captions of RSICD (Lu et al. 2017).
"""

from __future__ import annotations

# Things that people count.
OBJECTS: dict[str, str] = {
    "plane": "airplane, aeroplane, aircraft, aircrafts, airliner, jet, jetliner, passenger plane",
    "helicopter": "chopper",
    "ship": "vessel, cargo ship, container ship, cruise ship, warship, freighter",
    "boat": "sailing boat, sailboat, yacht, speedboat, motorboat, fishing boat, rowing boat",
    "kayak": "canoe",
    "barge": "",
    "ferry": "",
    "car": "vehicle, automobile, sedan, small vehicle",
    "truck": "lorry, large vehicle, fuel truck",
    "bus": "school bus, coach",
    "van": "",
    "motorcycle": "motorbike",
    "bicycle": "bike",
    "train": "locomotive, freight train",
    "tractor": "",
    "crane": "construction crane",
    "container": "shipping container",
    "tent": "",
    "person": "people, pedestrian, man, woman, child",
    "animal": "cattle, cow, sheep, horse, livestock",
    "house": "home, villa, cottage, bungalow, farmhouse, dwelling",
    "cabin": "wooden cabin, hut",
    "building": "edifice, residential building, office building",
    "apartment building": "apartment, apartment block, apartment house, block of flats",
    "high-rise": "high-rise building, high rise building, skyscraper, tower block",
    "terminal": "terminal building, airport terminal",
    "warehouse": "factory building, industrial building, storehouse, workshop",
    "hangar": "",
    "barn": "farm building, hay barn, stable",
    "silo": "grain silo",
    "greenhouse": "",
    "garage": "",
    "church": "chapel, cathedral",
    "hospital": "",
    "tower": "",
    "water tower": "",
    "control tower": "",
    "lighthouse": "",
    "chimney": "smokestack",
    "gas station": "petrol station, filling station",
    "storage tank": "tank, oil tank, fuel tank",
    "swimming pool": "pool",
    "tennis court": "court, tennis field",
    "basketball court": "basketball field",
    "badminton court": "badminton field",
    "volleyball court": "",
    "baseball field": "baseball diamond, baseball court, baseballfield",
    "football field": "soccer field, soccer ball field, football pitch, soccer pitch",
    "playground": "",
    "gymnasium": "gym",
    "stand": "grandstand, bleachers",
    "bunker": "sand trap, sand bunker",
    "fountain": "",
    "statue": "monument",
    "billboard": "",
    "solar panel": "",
    "wind turbine": "windmill, windmills",
    "pylon": "electricity pylon, power pylon",
    "helipad": "",
    "toll station": "toll booth, expressway toll station",
    "service area": "expressway service area",
    "railway station": "train station",
    "roundabout": "traffic circle, rotary",
    "overpass": "viaduct, flyover, interchange, pedestrian overpass",
    "footbridge": "wooden footbridge, pedestrian bridge",
    "runway": "airstrip, landing strip",
    "pier": "dock, jetty",
    "field": "farm field, crop field, paddy, cornfield",
    "bridge": "",
    "island": "islet",
    "campsite": "camp, camping site",
    "fish farm": "",
    "construction site": "building site",
}

# Land cover, and what lies on it as a line or a patch: counted only where a number is given.
LAND: dict[str, str] = {
    "road": "street, highway, avenue, expressway, freeway, motorway, alley, lane, driveway",
    "path": "footpath, pathway, trail, walkway, sidewalk",
    "railway": "railway line, railroad, rail, railway track, train track, rail track",
    "power line": "",
    "river": "waterway",
    "stream": "creek, brook",
    "canal": "",
    "lake": "reservoir",
    "pond": "",
    "sea": "ocean",
    "water": "",
    "wave": "surf",
    "sandbar": "",
    "dam": "",
    "quay": "wharf",
    "breakwater": "",
    "apron": "parking apron, tarmac",
    "clearing": "open space",
    "fairway": "greens, putting green",
    "track": "running track, athletic track, race track, ground track field, sports track",
    "pitch": "",
    "tree": "coconut tree",
    "palm tree": "palm",
    "forest": "wood, woods, grove, jungle, rainforest",
    "shrub": "bush",
    "scrub": "sparse dry plants, dry plants",
    "plant": "vegetation, greenery",
    "grass": "lawn, turf",
    "crop": "wheat, corn, rice",
    "flower": "",
    "garden": "flower bed",
    "orchard": "",
    "sand": "",
    "dune": "sand dune",
    "soil": "bare land, bareland, bare ground, bare soil, bare earth, dirt, mud, wasteland",
    "rock": "rocky ground, rocky outcrop, stone, boulder, bare rock",
    "snow": "",
    "ice": "sea ice",
    "concrete": "concrete ground, paved ground, pavement, cement",
    "asphalt": "",
    "quarry": "stone quarry",
    "ground": "terrain",
    "ridge": "",
    "valley": "",
    "roof": "rooftop, ceiling",
    "shadow": "",
    "line": "stripe",
    "row": "",
    "bay": "parking space, parking bay",
}

# Nouns that have no plural of their own meaning, so that their number says nothing.
MASS = frozenset({
    "water", "grass", "sand", "soil", "snow", "ice", "concrete", "asphalt", "scrub",
    "ground", "woods", "surf", "vegetation", "greenery", "wheat", "corn", "rice", "turf", "dirt",
    "mud", "cement", "pavement", "bare land", "bare ground", "greens", "people", "cattle", "sheep",
    "aircraft", "livestock", "bleachers", "windmills", "aircrafts",
})  # fmt: skip
# Of those, the ones that nevertheless mean several.
COLLECTIVE = frozenset(
    {"people", "cattle", "sheep", "aircraft", "livestock", "windmills", "aircrafts"}
)
IRREGULAR = {"man": "men", "woman": "women", "child": "children"}

# What a whole image may be of: these words name the scene wherever they stand.
SCENES: dict[str, str] = {
    "airport": "airfield, aerodrome",
    "beach": "coast, coastline, seaside, seashore, stretch of coast",
    "bridge": "river crossing",
    "dense residential": (
        "dense residential area, crowded residential area, dense neighborhood, housing estate, "
        "dense neighbourhood, crowded neighborhood, densely populated area"
    ),
    "medium residential": "medium residential area",
    "sparse residential": (
        "sparse residential area, quiet residential area, rural neighborhood, sparse neighborhood, "
        "rural neighbourhood, sparse neighbourhood"
    ),
    "residential": (
        "residential area, residential district, neighborhood, neighbourhood, suburb, community"
    ),
    "desert": "",
    "farmland": (
        "farm land, farming area, cultivated area, farm, agricultural land, agricultural area, "
        "cropland"
    ),
    "forest": "woodland",
    "golf course": "golf field",
    "harbor": "harbour, port, marina, seaport",
    "industrial area": (
        "industrial zone, industrial district, industrial park, factory area, factory, the plant"
    ),
    "intersection": "crossroads, crossroad, road junction, junction, road crossing, street corner",
    "meadow": "grassland, pasture, prairie, rangeland",
    "mountain": "mountain area, mountain range, hill, slope, mountainpeak, mountainside",
    "parking lot": "car park, parking area, parking",
    "stadium": "sports ground",
    "storage tanks": "tank farm, oil depot, storage area",
    "tennis court": "sports area, tennis facility, tennis club, tennis complex",
    "commercial area": "commercial district, business district, commercial center, downtown",
    "park": "",
    "resort": "",
    "school": "campus",
    "plaza": "the square, town square, public square",
    "center": "convention center",
    "wetland": "swamp, marsh",
    "chaparral": "",
    "terrace": "",
    "palace": "",
    "power station": "thermal power station, power plant",
    "mobile home park": "trailer park",
    "city": "town",
    "village": "",
    "countryside": "",
}

# Things that are the scene where they are what the image is said to be of: "a view of a lake".
PLACES: dict[str, str] = {
    "storage tank": "storage tanks",
    "track": "stadium",
    **{
        name: name
        for name in (
            "river", "lake", "pond", "bridge", "forest", "tennis court", "island", "overpass",
            "playground", "railway station", "baseball field", "basketball court", "runway",
            "roundabout", "church", "railway", "swimming pool", "construction site", "wind turbine",
        )
    },
}  # fmt: skip

# Scenes that take their adjective along: a "crowded residential area" is crowded, too.
SCENE_TRAITS = {"crowded residential area": "crowded", "crowded neighborhood": "crowded"}

NUMBERS: dict[str, str] = {
    "0": "zero",
    "1": "one, a single, single, only one",
    "2": "two, a pair of, a couple of, pair of, couple of",
    "3": "three", "4": "four", "5": "five", "6": "six", "7": "seven", "8": "eight", "9": "nine",
    "10": "ten", "11": "eleven", "12": "twelve", "13": "thirteen", "14": "fourteen",
    "15": "fifteen", "16": "sixteen", "17": "seventeen", "18": "eighteen", "19": "nineteen",
    "20": "twenty", "30": "thirty", "40": "forty", "50": "fifty", "60": "sixty", "70": "seventy",
    "80": "eighty", "90": "ninety",
    "many": (
        "a lot of, lots of, numerous, plenty of, dozens of, hundreds of, countless, a great many, "
        "a large number of, large numbers of, a great number of, rows of, full of, packed with, "
        "several rows of, filled with"
    ),
    "several": (
        "a number of, multiple, various, a group of, groups of, a cluster of, a row of, a line of, "
        "a herd of, a variety of"
    ),
    "few": "a few, only a few",
    "some": "any",
}  # fmt: skip
# Words that stand before a number or a noun and change nothing: "most of the bays", "a piece of".
PARTITIVE = (
    "one of", "some of", "many of", "most of", "all of", "each of", "several of", "part of",
    "parts of", "a piece of", "piece of", "pieces of", "a stretch of", "a strip of", "a band of",
    "a range of", "a large piece of", "kind of", "kinds of", "the rest of", "two of",
    "the corners of", "the corner of", "the middle of", "the sides of",
)  # fmt: skip

COLOURS: dict[str, str] = {
    "white": "",
    "gray": "grey, silver",
    "black": "",
    "red": "",
    "blue": "",
    "green": "",
    "brown": "",
    "yellow": "golden",
    "orange": "",
    "pink": "",
    "purple": "",
    "khaki": "",
    "cream": "",
    "dark": "",
    "pale": "",
    "dark green": "deep green",
    "light green": "",
    "dark blue": "deep blue",
    "light blue": "",
    "dark gray": "dark grey",
    "light gray": "light grey",
    "dark brown": "",
    "light brown": "",
    "dark red": "",
    "off white": "off-white",
}
SIZES: dict[str, str] = {
    "large": "big, huge, giant, enormous, massive",
    "small": "little, tiny",
    "wide": "broad",
    "narrow": "thin",
    "long": "",
    "short": "",
    "tall": "high",
    "low": "",
    "vast": "",
}
SHAPES: dict[str, str] = {
    "round": "circular, spherical, circle",
    "rectangular": "square, rectangle",
    "oval": "elliptical",
    "triangular": "",
    "irregular": "irregularly shaped",
    "curved": "winding, meandering, crooked, twisting",
    "straight": "",
    "crossing": "",
}
QUALITIES: dict[str, str] = {
    "dense": "", "thick": "", "sparse": "", "crowded": "", "empty": "", "full": "", "busy": "",
    "deserted": "abandoned", "flat": "", "hilly": "", "steep": "", "gentle": "", "rough": "",
    "rugged": "", "uneven": "", "rolling": "", "smooth": "", "calm": "", "neat": "", "messy": "",
    "lush": "", "dry": "", "withered": "dead", "barren": "", "bare": "", "frosty": "",
    "frozen": "", "sandy": "", "rocky": "", "open": "", "quiet": "", "lifeless": "", "mown": "",
}  # fmt: skip

# Land with its material in its name.
COMPOUNDS: dict[str, tuple[str, str]] = {
    "dirt road": ("road", "dirt"),
    "dirt track": ("road", "dirt"),
    "dirt path": ("path", "dirt"),
}

# How things lie to each other.
RELATIONS: dict[str, str] = {
    "next to": "beside, besides, adjacent to, side by side with, at the side of, on the side of",
    "near": (
        "close to, not far from, by, at the corners of, at the corner of, in the corners of, "
        "on the bank of, on the banks of, on one bank of, on the shore of, off"
    ),
    "around": "surround, surrounds, surrounding, encircle, encircles",
    "surrounded by": (
        "semi-surrounded by, semisurrounded by, enclosed by, encircled by, ringed by, "
        "surrounded with"
    ),
    "in": "inside, within, into",
    "at": "",
    "on": "onto, upon",
    "on top of": "on the top of, at the top of, on the ridge of",
    "covered by": "covered with, covered in, land cover is, land cover is mostly",
    "over": "span, spans, spanning",
    "across": "cross, crosses, traverses",
    "through": "",
    "along": "lining",
    "alongside": "",
    "past": "",
    "between": "in between",
    "among": "amongst, amid",
    "under": "underneath, beneath",
    "above": "",
    "below": "",
    "behind": "",
    "in front of": "",
    "outside": "",
    "on both sides of": (
        "on two sides of, in two sides of, at two sides of, on each side of, on either side of, "
        "in both sides of, on both banks of"
    ),
    "on one side of": "to one side of, with one side facing",
    "on only one side of": "",
    "far from": (
        "far away from, away from, some distance from, some distance away from, at a distance from"
    ),
    "in the middle of": (
        "in the center of, in the centre of, at the center of, across the middle of"
    ),
    "at the edge of": "at the edges of, along the edge of, on the edge of",
    "in the corner of": "in a corner of, in one corner of",
    "at the foot of": "",
    "parallel to": "",
    "at right angles to": "perpendicular to",
    "divided by": "crossed by, separated by, split by",
    "connected by": "joined by",
}
# Of those, the ones that can stand without what they relate to.
LOOSE = frozenset({"around", "above", "below", "along", "behind"})
# Relations that take nothing behind them.
ALONE: dict[str, str] = {
    "nearby": "close by, on the shore, at the corners, in the corners, on the bank, on the banks",
    "far away": "in the far distance, in the distance, some distance away",
    "far apart": "far from each other",
    "side by side": (
        "next to each other, close to each other, near each other, close together, "
        "closely together, beside each other, together"
    ),
    "on both sides": "on each side, on either side, on two sides, on both banks",
    "on all sides": "",
    "everywhere": (
        "covering the whole picture, filling the whole picture, covers the whole image, "
        "covers the whole picture, covers the image, across the whole picture, "
        "from side to side, all over the image"
    ),
    "on one side": "on one side only, on one bank only, on only one side",
    "in the middle": (
        "in the center, in the centre, in the middle of the picture, in the middle of the image"
    ),
    "at the edge": "at the edges",
    "in the corner": "in a corner, in one corner",
    "crossing each other": "cross each other, that cross, cross at right angles",
}
SIDES: dict[str, str] = {
    "on the left": "at the left, on the left side, in the left, to the left",
    "on the right": "at the right, on the right side, in the right, to the right",
    "at the top": (
        "on the top, at the upper side, in the upper part, at the top of the picture, "
        "at the top of the image"
    ),
    "at the bottom": "on the bottom, at the lower side, in the lower part",
}

CONDITIONS: dict[str, str] = {
    "spring": "in spring, in the spring",
    "summer": "summer, in summer, in the summer",
    "autumn": (
        "autumn, in autumn, in the fall, in fall, in autumn colors, in autumn colours, autumn trees"
    ),
    "winter": (
        "winter, in winter, in the winter, on a frosty day, in the cold season, winter woods, "
        "in winter woods"
    ),
    "clear": "clear sky, a clear sky, clear skies, no clouds, without clouds, cloudless",
    "haze": (
        "thin haze, light haze, a hazy sky, hazy sky, hazy, thin clouds, thin cloud, cloudy, "
        "clouds, cloud, mist, fog"
    ),
    "bright light": "in bright light, bright sunlight, sunny",
    "dim light": "in dim light, dark light",
    "normal light": "in normal light",
    "urban": "urban area, an urban area",
    "rural": "rural area, a rural area",
}
# Nouns hidden in a phrase for a condition.
CONDITION_NOUNS = {"autumn trees": "tree", "winter woods": "forest", "in winter woods": "forest"}

# What land serves for; only read behind one of `SERVES`.
SERVES = ("used for", "serves for", "serving", "used as")
USES: dict[str, str] = {
    "air traffic": "transport by air",
    "leisure": "recreation at the coast, leisure by the sea, recreation",
    "crossing water": "traffic across a river, crossing the river",
    "housing": "homes for many people, a few homes in the country, living",
    "nothing": "hardly anything, no use that can be seen",
    "farming": "growing crops, agriculture",
    "forestry": "woodland",
    "sport": (
        "sport and leisure, playing golf, sport and athletics, playing tennis, sports, golf, tennis"
    ),
    "shipping": "mooring ships and boats, mooring",
    "industry": "storage and production, storing oil, storage, production",
    "road traffic": "traffic on two roads, traffic",
    "water": "open water, water and nature, a waterway",
    "grassland": "open grassland, grazing",
    "nature": "",
    "parking": "parking cars",
}

# Openings behind which comes what the image is of.
OPENINGS = (
    "this is", "it is", "view of", "image of", "photo of", "photograph of", "picture of",
    "picture shows", "image shows", "shows", "scene of",
)  # fmt: skip
# Words that join a further noun phrase to what came before.
JOINING = ("with", "has", "have", "having", "where", "including", "contains", "includes")
NEGATIONS = (
    "no",
    "empty of",
    "without",
    "without any",
    "not any",
    "has no",
    "have no",
    "there is no",
)
BEING = ("is", "are", "was", "were", "look", "looks", "seem", "seems")
IGNORED = ("very", "from above", "no more than", "nothing but", "not only")
THERE = ("there's", "there is", "there are", "we can see", "you can see")
DETERMINERS = ("the", "this", "these", "those", "its", "their", "his", "each", "every", "all")
# Words for parts of the image and for nothing in particular: they end a noun phrase unsaid.
PLAIN = (
    "area, region, place, thing, object, structure, surface, image, picture, photo, photograph, "
    "view, part, side, kind, type, piece, corner, edge, middle, center, top, bottom, space, land, "
    "yard, crown, shore, bank, property, zone, scene, day, season, sky, light, foot, end, direction"
)
# Words behind which an adjective speaks of the thing before: "a lake of irregular shape".
ASPECTS = ("shape", "shapes", "color", "colors", "colour", "colours", "size", "form")

# What no image from above shows: sounds, smells, names, dates, prices, feelings, the inside.
UNSEEN = frozenset({
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "january",
    "february", "april", "june", "july", "august", "september", "october", "november", "december",
    "morning", "evening", "yesterday", "tomorrow", "news", "week", "sing", "singing", "sings",
    "song", "music", "sound", "sounds", "noise", "noisy", "hear", "heard", "voice", "voices",
    "smell", "smells", "taste", "tastes", "temperature", "degrees", "rain", "photographer", "feel",
    "feels", "happy", "relaxed", "tired", "dinner", "lunch", "indoors", "rooms", "painted",
    "owner", "called", "named", "cost", "costs", "dollars", "euros", "price", "strike", "company",
    "president", "mayor", "king", "queen", "wedding", "belonged", "visitors", "expects", "harvest",
    "festival", "famous", "family", "opened",
})  # fmt: skip
# A caption that ends in one of these has lost the noun that they belong to.
HALVES = frozenset(
    {"storage", "tennis", "swimming", "parking", "golf", "sailing", "residential", "dirt"}
)
