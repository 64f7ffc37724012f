"""The same three requests as the obvious small app in other frameworks would serve them; each stands by itself."""
