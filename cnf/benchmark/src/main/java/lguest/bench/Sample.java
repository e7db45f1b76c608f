package lguest.bench;

import java.util.Arrays;

/** The same thing measured several times. NaN stands for what could not be measured. */
record Sample(double... values) {
  Sample {
    values = values.clone();
    Arrays.sort(values);
  }

  double median() {
    int n = values.length;
    if (n == 0) return Double.NaN;
    return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
  }

  double least() { return values.length == 0 ? Double.NaN : values[0]; }

  double most() { return values.length == 0 ? Double.NaN : values[values.length - 1]; }

  /** Without what is there anyway; the spread stays what it was. */
  Sample minus(double empty) { return new Sample(Arrays.stream(values).map(v -> v - empty).toArray()); }

  Sample times(double factor) { return new Sample(Arrays.stream(values).map(v -> v * factor).toArray()); }

  static double geometricMean(double... values) {
    return Math.exp(Arrays.stream(values).map(Math::log).average().orElse(Double.NaN));
  }
}
