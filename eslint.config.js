import convexPlugin from "@convex-dev/eslint-plugin";
import js from "@eslint/js";
import { defineConfig, globalIgnores } from "eslint/config";
import globals from "globals";
import tseslint from "typescript-eslint";
import { layers } from "./tools/layers.mjs";

export default defineConfig(
  globalIgnores([
    "**/node_modules",
    "**/_generated",
    "dist",
    "coverage",
    "tools/packed-app",
    "tools/docs/app",
  ]),
  js.configs.recommended,
  {
    files: ["**/*.{ts,tsx}"],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: {
        projectService: true,
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/no-unused-vars": [
        "error",
        {
          argsIgnorePattern: "^_",
          varsIgnorePattern: "^_",
          caughtErrorsIgnorePattern: "^_",
        },
      ],
      // What is thrown by others is passed on as it is.
      "@typescript-eslint/prefer-promise-reject-errors": "off",
      // Handlers and callbacks are async because their type is.
      "@typescript-eslint/require-await": "off",
      // Values of `v.any()` are `any`: these would only restate that.
      "@typescript-eslint/no-explicit-any": "off",
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-return": "off",
    },
  },
  {
    files: [
      "src/component/**/*.ts",
      "src/engine/**/*.ts",
      "example/convex/**/*.ts",
    ],
    // Not by `extends`, which would apply to folders named convex only.
    plugins: { "@convex-dev": convexPlugin },
    rules: convexPlugin.configs.recommended[0].rules,
  },
  {
    files: ["src/**/*.{ts,tsx}"],
    // What only tests use may import anything.
    ignores: ["**/*.test.{ts,tsx}", "**/*.test-d.ts", "src/**/testing/**"],
    plugins: { layers },
    rules: { "layers/imports": "error" },
  },
  {
    files: ["**/*.js", "**/*.mjs"],
    languageOptions: { globals: globals.node },
  },
);
