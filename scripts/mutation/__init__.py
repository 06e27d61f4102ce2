"""Mutation testing: is there a test that fails when a line that guards money or completeness is wrong?"""
