/**
 * A read-only view of a flattened device tree (Devicetree Specification 0.4, chapter 5).
 * Every offset is checked, so a damaged blob gives "not found" and never a wild access.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/** A checked blob; fill it with `fdt_open`. */
typedef struct {
  const uint8_t *structure;
  uint32_t structure_length;
  const char *strings;
  uint32_t strings_length;
} fdt_tree;

/** A node: the offset of its FDT_BEGIN_NODE token in the structure block, or `FDT_NONE`. */
typedef int32_t fdt_node;
#define FDT_NONE (-1)

/** False when `blob` is no device tree of version 16 or later, or larger than 1 MiB. */
bool fdt_open(fdt_tree *tree, const void *blob);

/** The node at an absolute path such as `/soc/serial@4000000`, an alias, either with `:options` behind; or `FDT_NONE`. */
fdt_node fdt_find(const fdt_tree *tree, const char *path);

/** The next node after `previous` (`FDT_NONE` = the first) whose `compatible` holds the string; or `FDT_NONE`. */
fdt_node fdt_next_compatible(const fdt_tree *tree, fdt_node previous, const char *compatible);

/** The property's value and, unless `length` is null, its bytes; null when the node has none. */
const uint8_t *fdt_property(const fdt_tree *tree, fdt_node node, const char *name, uint32_t *length);

/** A property that is a text ended by NUL; null when it is missing or not ended. */
const char *fdt_text(const fdt_tree *tree, fdt_node node, const char *name);

/** The first cell of a property. False when it is missing or shorter. */
bool fdt_u32(const fdt_tree *tree, fdt_node node, const char *name, uint32_t *value);

/** Whether the node's `compatible` list holds the string. */
bool fdt_is_compatible(const fdt_tree *tree, fdt_node node, const char *compatible);

/** The node's first `reg` entry in the cells of its parent. False when missing or beyond 32 bits. */
bool fdt_reg(const fdt_tree *tree, fdt_node node, uint32_t *base, uint32_t *length);
