"""The sentences that clinicians read. Numbers come in on the scale that the patient answered on."""

from datetime import date, timedelta

from server.trends.findings import Figures

# Not strftime("%B"): that follows the locale of whichever machine the job runs on.
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def name_day(day: date, today: date) -> str:
    """'3 May', or '30 December 2025' when that is not today's year."""
    year = "" if day.year == today.year else f" {day.year}"
    return f"{day.day} {MONTHS[day.month - 1]}{year}"


def count(number: int, noun: str) -> str:
    """'1 day', '2 days'."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def describe_change(label: str, figures: Figures, today: date) -> str:
    """What the ratings averaged, since when, against what was expected, and on how many days."""
    since = today - timedelta(days=figures.days - 1)
    check_ins = count(figures.check_ins, "check-in")
    missed = f"{figures.missed} of {figures.days} days missed" if figures.missed else "no day missed"
    return (
        f"{label} averaged {figures.observed:.1f} over {check_ins} since {name_day(since, today)}; "
        f"expected {figures.expected:.1f} ± {figures.expected_sd:.1f}; {missed}."
    )


def describe_limit(label: str, limit: str, run: list[tuple[date, float]]) -> str:
    """The last rating of `run` (days in a row past the limit, oldest first), and the one before it if any."""
    today = run[-1][0]
    ratings = " and ".join(f"{rating:g} on {name_day(day, today)}" for day, rating in run[-2:])
    repeats = {1: "", 2: ", the second day in a row"}.get(len(run), f", {len(run)} days in a row")
    return f"{label} was {ratings} ({limit}){repeats}."
