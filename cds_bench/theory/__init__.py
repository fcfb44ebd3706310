"""The paper's theory on small random MDPs, in which every quantity can be computed."""
