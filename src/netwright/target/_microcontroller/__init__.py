"""Microcontrollers: memory by a plan of buffers, flash, and a rough latency, in 8 bits."""
