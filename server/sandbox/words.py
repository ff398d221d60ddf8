"""The words the sandbox tells its stories with."""

_TEXT = (
    "amber anchor apple arrow autumn barley basket beacon birch bramble bridge candle canyon cedar cinder cliff clover "
    "cobalt copper coral cotton cradle crane creek crystal dawn delta drift ember falcon feather fern field flint "
    "forest fountain garden glacier granite harbor hazel heron hollow honey island ivory jasper juniper kettle lantern "
    "lavender linen lunar maple marble meadow mirror morning moss mountain nectar nettle oak ocean olive orchard otter "
    "paper pebble pepper pine planet plum pocket prairie quartz quiet raven reed ribbon river saddle sage sailor "
    "saffron shadow silver sparrow spruce stone summer thistle thunder timber valley velvet violet walnut willow "
    "window winter wonder yarrow zephyr"
)

WORDS = tuple(_TEXT.split())
"""All lower case, each one token."""
