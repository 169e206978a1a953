"""What a plan's capital costs and where its value comes from: costs of sources, the bridge to NPV, the horizon's end, distress."""
