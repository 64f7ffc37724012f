"""What the limits cost: simulated patients, and what the engine and the rules find in them. Nothing here is imported
by the engine, nor by any process that serves a clinic; `flask calibrate` and the benches use it."""
