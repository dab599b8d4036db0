"""An emulator of the venue: the same REST and websocket protocol on loopback, on top of our simulated venue."""
