"""Learned matchers: XFeat with LighterGlue, LightGlue with weights of one's own, and auto."""
