"""LMEX: the native venue. Spot v3.3, futures v2.3 and websockets, with our own request signing.

Rules of this package:

- Wire formats live at the edge: what leaves a module of endpoints or streams is typed, decimal-exact and in our words.
- An outcome that is not known is never taken for a refusal: such an order is asked about by its client id, never sent again.
- Keys and secrets are in no message, ``repr``, log or file.
"""
