-- Takes vectors of models that the site no longer has out of sightings. KEYS: one per sighting.
for i = FIRST, #KEYS do
  if redis.call('EXISTS', KEYS[i]) == 1 then settle_vectors(KEYS[i]) end
end
return #KEYS - FIRST + 1
