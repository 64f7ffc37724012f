"""`make pictures`: every mail and every page about alerts as a person sees it, to be looked at. Needs Chromium."""
