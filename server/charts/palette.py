"""The colours. Their lightness alone tells them apart, so grey print loses nothing."""

INK = "#1b2733"
SOFT = "#566472"
GRID = "#e3e8ed"
BAND = "#c6d3e1"
PAPER = "#fefefe"
URGENT = "#a11222"
PROMPT = "#8a4b00"
ROUTINE = "#40566b"

# Each as the pages have it for eyes that prefer the dark.
DARK = {
    INK: "#e8edf2",
    SOFT: "#a5b2bf",
    GRID: "#2b3641",
    BAND: "#34495e",
    PAPER: "#1a222b",
    URGENT: "#ff9aa5",
    PROMPT: "#ffc27a",
    ROUTINE: "#b3c6d9",
}
