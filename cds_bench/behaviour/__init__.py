"""Behaviour policies: trained with PPO and frozen, or scripted; rolled out with numpy alone."""

# Each domain's module of recipes; see `recipes`.
RECIPES = {
    "locomotion": "cds_bench.behaviour.select",
    "navigation": "cds_bench.behaviour.waypoints",
    "manipulation": "cds_bench.behaviour.scripts",
}
