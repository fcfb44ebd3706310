"""The paper's theory on small random decision problems, where every quantity can be computed."""
