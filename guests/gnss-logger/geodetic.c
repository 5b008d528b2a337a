/** Bowring's iteration on the reduced latitude. */
#include "geodetic.h"

#include <math.h>

#define SEMI_MAJOR_M 6378137.0
#define FLATTENING (1.0 / 298.257223563)
#define DEGREES_E9_PER_RADIAN 57295779513.082320877
#define MIN_RADIUS_M 6000000.0

static int64_t rounded(double value) { return (int64_t)(value < 0 ? value - 0.5 : value + 0.5); }

bool geodetic_from_ecef(int32_t x_cm, int32_t y_cm, int32_t z_cm, int64_t *lat_e9, int64_t *lon_e9) {
  const double semi_minor = SEMI_MAJOR_M * (1.0 - FLATTENING);
  const double eccentricity2 = FLATTENING * (2.0 - FLATTENING);
  const double second_eccentricity2 = eccentricity2 / (1.0 - eccentricity2);
  double x = x_cm / 100.0, y = y_cm / 100.0, z = z_cm / 100.0;
  double axis = sqrt(x * x + y * y);
  if (axis * axis + z * z < MIN_RADIUS_M * MIN_RADIUS_M) return false;
  /* (sine, cosine) of the reduced latitude, up to a common factor that is divided out. */
  double sine = z * SEMI_MAJOR_M, cosine = axis * semi_minor, up = z, out = axis;
  for (int i = 0; i < 3; i++) {
    double length = sqrt(sine * sine + cosine * cosine);
    sine /= length;
    cosine /= length;
    up = z + second_eccentricity2 * semi_minor * sine * sine * sine;
    out = axis - eccentricity2 * SEMI_MAJOR_M * cosine * cosine * cosine;
    sine = up * (1.0 - FLATTENING);
    cosine = out;
  }
  *lat_e9 = rounded(atan2(up, out) * DEGREES_E9_PER_RADIAN);
  *lon_e9 = rounded(atan2(y, x) * DEGREES_E9_PER_RADIAN);
  return true;
}
