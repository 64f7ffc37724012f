"""How early and how wrongly: the trend engine beside nine other detectors, on simulated courses and real diaries."""
