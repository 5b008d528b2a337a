/** Earth-centred coordinates to WGS 84 latitude and longitude. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/**
 * From centimetres to 1e-9 degrees; exact to 1e-9 degrees from 100 km below to 1,000 km above the ellipsoid.
 * False when the point is nearer than 6,000 km to the centre.
 */
bool geodetic_from_ecef(int32_t x_cm, int32_t y_cm, int32_t z_cm, int64_t *lat_e9, int64_t *lon_e9);
