"""The page at `/` for people: what is known, what is wrong, and what to do about it.

It is made from memory alone and never asks the API. Views are values of texts, so that the templates decide nothing;
everything in them is escaped.
"""
