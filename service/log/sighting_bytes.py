"""A sighting as it is kept. JSON, because MessagePack has no place for a time's offset from UTC, which its sender chose."""

import msgspec

from projections.first_saw import Sighting

encode_sighting = msgspec.json.Encoder().encode
decode_sighting = msgspec.json.Decoder(Sighting).decode
