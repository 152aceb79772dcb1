"""The models: plain SQL files, read by warehouse.models."""
