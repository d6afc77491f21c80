// What all pictures have in common: colours and style for light and dark pages, a frame with two
// logarithmic axes.
#pragma once

#include <array>
#include <string>

#include "base/types.h"
#include "io/svg.h"

namespace einsearch {

/// After Okabe and Ito's palette, which colour-blind readers tell apart, without its black and
/// yellow, and further hues; each stands out on white and on near-black.
inline constexpr std::array kPlotColours = {"#1a80bb",
                                            "#d55e00",
                                            "#009e73",
                                            "#cc79a7",
                                            "#8c6bb1",
                                            "#e69f00",
                                            "#56b4e9",
                                            "#7f7f7f",
                                            "#66a61e",
                                            "#b5651d",
                                            "#e7298a",
                                            "#1b9e9e"};

inline const char* plot_colour(std::size_t i) { return kPlotColours[i % kPlotColours.size()]; }

struct PlotRange {
  double low = kInfinity;
  double high = 0;

  void include(double value);
  bool contains(double value) const { return value >= low && value <= high; }
  /// Moves both ends out by this part of the extent, in logarithms.
  void widen(double part);
};

/// Where data lands on the page: a rectangle with logarithmic axes.
struct PlotFrame {
  PlotRange x = {};
  PlotRange y = {};
  double left = 0, top = 0, right = 0, bottom = 0;  ///< pixels

  double place_x(double value) const;
  double place_y(double value) const;
  SvgPoint place(double at_x, double at_y) const { return {place_x(at_x), place_y(at_y)}; }
};

/// A page with its style and background.
Svg make_page(int width, int height, const std::string& title);

/// Axes with at most so many labels; none on an axis whose number is 0.
void draw_log_axes(Svg& svg, const PlotFrame& frame, int x_labels, int y_labels);

/// The title above the frame, and what the axes are.
void draw_titles(Svg& svg,
                 const PlotFrame& frame,
                 double page_height,
                 const std::string& title,
                 const std::string& x_label,
                 const std::string& y_label);

/// A name cut to so many characters' widths; the bars and points of theta are half as wide as other
/// characters.
std::string fitting_name(const std::string& name, double most_widths);

}  // namespace einsearch
